"""Makes a document fit its schema where a listed leniency covers the difference."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from efi.conversion import Leniency, LeniencyKind
from efi.types import IDENTIFIER_PATTERN
from efi.xml.interim.leniencies import (
    HEAD_DEVICE_DESCRIPTION,
    HEAD_DEVICE_ID,
    HEAD_STORAGE_POINTS,
    ID_NOT_A_NAME,
    PADDED,
    PREFIXLESS_ATTRIBUTE,
    REPEATED_ID,
    SPELLING,
    WORD,
)
from efi.xml.interim.sheet import leaf, listed, node
from efi.xml.interim.source import maybe, part, parts
from efi.xml.interim.vocabulary import CURRENCIES, TAG
from efi.xml.leniencies import UNFINISHED_NUMBER
from efi.xml.mending import WAIVE, Mend, Mender, finished, padded, replaced
from efi.xml.names import xml_name
from efi.xml.schema.builtin import NCNAME
from efi.xml.schema.definition import ComplexType, SimpleType
from efi.xml.schema.official import interim_schema
from efi.xml.schema.validator import Fault
from efi.xml.tree import BLANKS, Element, path_of, trimmed

ATTRIBUTES = ("multiplier", "currency")
IDS = ("messageId", "deviceId", "controlSpaceUpdateId", "allocationId")

_IDENTIFIER = re.compile(IDENTIFIER_PATTERN)


@dataclass
class Mended:
    """What was mended in a document, beside the tree itself."""

    root: Element
    leniencies: list[Leniency] = field(default_factory=list)
    device_description: Element | None = None
    """What stood in a registration of the branch's head, taken out of the tree."""
    upper: dict[int, Element] = field(default_factory=dict)
    """What holds at the upper end of a range of fill levels, by the id of the element that tells the range."""

    def forgive(self, kind: LeniencyKind, element: Element, value: object) -> None:
        """Note what was forgiven."""
        self.leniencies.append(kind.at(path_of(self.root, element), value))


def mend(root: Element) -> Mended:
    """Mend what can be mended, in the tree itself."""
    mended = Mended(root)
    if root.tag != f"{TAG}efiMessage":
        return mended
    for element in list(_all(root)):
        _mend_attributes(mended, element)
    for message in root.children:
        _mend_name(mended, message)
        _mend_head(mended, message)
        _mend_ids(mended, message)
        if message.local == "storageSystemDescription":
            for element in [each for each in _all(message) if each.local == "runningMode"]:
                _mend_points(mended, element)
    return mended


def _all(root: Element) -> Iterator[Element]:
    waiting = [root]
    while waiting:
        element = waiting.pop()
        yield element
        waiting.extend(element.children)


def _mend_attributes(mended: Mended, element: Element) -> None:
    for name in ATTRIBUTES:
        if name in element.attributes and f"{TAG}{name}" not in element.attributes:
            value = element.attributes.pop(name)
            element.attributes[f"{TAG}{name}"] = value
            mended.forgive(PREFIXLESS_ATTRIBUTE, element, f'{name}="{value[:80]}"')


def _spelling(name: str) -> str:
    return name.lower().replace("flexibile", "flexible")


def _official_names() -> dict[str, str]:
    kind = interim_schema().elements[f"{TAG}efiMessage"].type
    names = [each.tag for each in kind.declarations()] if isinstance(kind, ComplexType) else []
    return {_spelling(name.removeprefix(TAG)): name for name in names}


def _mend_name(mended: Mended, message: Element) -> None:
    if not message.tag.startswith(TAG):
        return
    official = _official_names().get(_spelling(message.local))
    if official is not None and official != message.tag:
        mended.forgive(SPELLING, message, message.local[:80])
        message.tag = official


def _mend_head(mended: Mended, message: Element) -> None:
    """Turn back what the branch's head renamed and added."""
    for child in message.children:
        if child.tag == f"{TAG}efiDeviceId":
            mended.forgive(HEAD_DEVICE_ID, child, child.text.strip(BLANKS)[:80])
            child.tag = f"{TAG}deviceId"
    described = maybe(message, "deviceDescription")
    if described is not None and message.local.endswith("Registration"):
        mended.forgive(HEAD_DEVICE_DESCRIPTION, described, ", ".join(each.text[:80] for each in described.children))
        message.children.remove(described)
        mended.device_description = described


def _mend_ids(mended: Mended, message: Element) -> None:
    for child in message.children:
        text = child.text.strip(BLANKS)
        if child.local in IDS and not NCNAME.fullmatch(text) and _IDENTIFIER.fullmatch(text):
            mended.forgive(ID_NOT_A_NAME, child, text)
            child.text = xml_name(text)


_BEHAVIOUR = (
    "fillingRatePerSecond",
    "electricityConsumption",
    "gasConsumption",
    "heatConsumption",
    "runningCostsPerSecond",
)


def _mend_points(mended: Mended, mode: Element) -> None:
    """Turn the points of the branch's head into ranges; those of several storages stay, and are refused."""
    holder = maybe(mode, "mutualExclusiveStorageOptions")
    if holder is None:
        return
    within = list(_all(holder))
    points = [each for each in within if each.local == "storageBehaviourElement"]
    storages = {each.text.strip(BLANKS) for each in within if each.local == "storageId"}
    try:
        levels = sorted((float(part(each, "fillLevel").text), index, each) for index, each in enumerate(points))
    except (LookupError, ValueError):
        return
    if len(storages) > 1 or not levels:
        return
    mended.forgive(HEAD_STORAGE_POINTS, holder, f"{len(points)} points")
    pairs = list(pairwise(levels)) or [(levels[0], levels[0])]
    elements = []
    for (_, _, point), (_, _, above) in pairs:
        element = node(
            "runningModeElement",
            leaf("lowerBound", part(point, "fillLevel").text),
            leaf("upperBound", part(above, "fillLevel").text),
            *(each for name in _BEHAVIOUR for each in parts(point, name)),
        )
        if _type_of(point) == "continuous" and above is not point:
            mended.upper[id(element)] = above
        elements.append(element)
    mode.children[mode.children.index(holder)] = listed("runningModeBehaviour", elements)


def _type_of(point: Element) -> str | None:
    return point.attributes.get(f"{TAG}type", point.attributes.get("type"))


# Texts ----------------------------------------------------------------------------------------------------------------

_CURRENCY_CODES = {code.lower(): word for word, code in CURRENCIES.items()}


def _word(fault: Fault) -> Mend | None:
    """A listed word in other letters; a currency's code becomes its word."""
    text = trimmed(fault.value or "").lower()
    listed_words = fault.type.values if isinstance(fault.type, SimpleType) else ()
    text = _CURRENCY_CODES.get(text, text) if set(CURRENCIES) <= set(listed_words) else text
    word = next((each for each in listed_words if each.lower() == text), None)
    return None if word is None else replaced(fault, word)


def _unit(fault: Fault) -> Mend | None:
    """The unit of a profile is Watt, whatever letters it is written in."""
    return replaced(fault, "Watt") if trimmed(fault.value or "").lower() in ("w", "watt", "watts") else None


MENDERS = (
    Mender(REPEATED_ID, frozenset(("repeated_id",)), lambda _: WAIVE),
    Mender(PADDED, frozenset(("not_an_instant", "not_a_duration", "not_a_number", "not_listed")), padded),
    Mender(WORD, frozenset(("not_listed",)), _word),
    Mender(WORD, frozenset(("not_fixed_value",)), _unit),
    Mender(UNFINISHED_NUMBER, frozenset(("not_a_number", "not_a_duration")), finished),
)
"""What is forgiven of texts, in the order in which it is tried."""
