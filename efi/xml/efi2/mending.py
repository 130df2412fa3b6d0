"""How documents of EFI 2.0's drafts, and those that people wrote freely, are made to fit its schema."""

import re

from efi.xml.efi2.leniencies import (
    CURRENCY,
    NO_TIMER_UPDATES,
    NO_TRANSITIONS,
    NO_VERSION,
    OLD_NAME,
    OLD_ROOT,
    OLD_START_TIME,
    PADDED,
    PREFIXLESS_ATTRIBUTE,
    SPELLING,
)
from efi.xml.efi2.vocabulary import DEVICE_CLASS_SPELLINGS, TAG, VERSION
from efi.xml.leniencies import UNFINISHED_NUMBER
from efi.xml.mending import WAIVE, Mend, Mender, finished, padded, replaced
from efi.xml.schema.definition import AnyType, ComplexType, SimpleType
from efi.xml.schema.validator import Fault
from efi.xml.tree import Element, local_name, trimmed

ROOTS = {
    "StorageStateUpdate": "StorageStatus",
    "StorageTargetProfileUpdate": "StorageFillLevelTargetProfile",
    "StorageUsageForecastUpdate": "StorageUsageForecast",
    "AdjustableStateUpdate": "AdjustableStatus",
}
"""What messages are called in the drafts."""

ELEMENTS = {
    "electricityConsumption": "electricalPower",
    "electricityPower": "electricalPower",
    "gasFlawRate": "gasFlowRate",
    "heatConsumption": "heatThermalPower",
    "fillingRatePerSecond": "fillingRate",
    "runningCostsPerSecond": "runningCost",
    "storageUsageForecast": "usageForecast",
    "storageUsageProfile": "usageProfile",
    "storageUsageProbabilityProfile": "usageProbabilityProfile",
    "usageElement": "usageRateElement",
    "actuatorUpdates": "actuatorStatuses",
    "actuatorUpdate": "actuatorStatus",
    "currentRunningModeId": "currentRunningMode",
    "currentRunningMode": "currentRunningModeId",
}
"""What elements are called there. `gasConsumption` is not among them: its unit is a guess between W and m³/s."""

ATTRIBUTES = {
    "usage": "usageRate",
    "transitionTime": "transitionDuration",
    "transitionCosts": "transitionCost",
}
"""What attributes are called there."""

CURRENCY_WORDS = {"EURO": "EUR", "POUND": "GBP", "DOLLAR": "USD"}
"""The words of the interim form for currencies."""

_CURRENCY_CODE = re.compile("[A-Z]{3}")
_WHAT_MAY_BE_ABSENT = {f"{TAG}transitions": NO_TRANSITIONS, f"{TAG}timerUpdates": NO_TIMER_UPDATES}


def _declares(kind: AnyType | None, tag: str) -> bool:
    return isinstance(kind, ComplexType) and any(each.tag == tag for each in kind.declarations())


def _attribute(element: Element, old: str, new: str) -> Mend | None:
    if new in element.attributes:
        return None

    def change() -> None:
        element.attributes[new] = element.attributes.pop(old)

    return change


def _prefix(fault: Fault) -> Mend | None:
    tag = fault.attribute
    if tag is None or "}" in tag or not isinstance(fault.type, ComplexType) or TAG + tag not in fault.type.attributes:
        return None
    return _attribute(fault.element, tag, TAG + tag)


def _attribute_name(fault: Fault) -> Mend | None:
    tag = fault.attribute
    foreign = tag is None or ("}" in tag and not tag.startswith(TAG))
    if foreign or tag is None or not isinstance(fault.type, ComplexType):
        return None
    new = TAG + ATTRIBUTES.get(local_name(tag), "")
    return _attribute(fault.element, tag, new) if new in fault.type.attributes else None


def _start_time(fault: Fault) -> Mend | None:
    if fault.element.tag == f"{TAG}targetProfile" and fault.attribute in ("startTime", f"{TAG}startTime"):
        return WAIVE
    return None


def _root_name(fault: Fault) -> Mend | None:
    element = fault.element
    name = ROOTS.get(element.local) if element.tag.startswith(TAG) else None
    return None if name is None else lambda: _rename(element, name)


def _element_name(fault: Fault) -> Mend | None:
    """The element and its like beside it, since a check stops at the first child that may not stand there."""
    element = fault.element
    name = ELEMENTS.get(element.local) if element.tag.startswith(TAG) else None
    if name is None or fault.parent is None or not _declares(fault.type, TAG + name):
        return None
    alike = [child for child in fault.parent.children if child.tag == element.tag]

    def change() -> None:
        for child in alike:
            _rename(child, name)

    return change


def _rename(element: Element, name: str) -> None:
    element.tag = TAG + name


def _split_alternatives(fault: Fault) -> Mend | None:
    """A draft has each alternative in a list of its own."""
    element, parent = fault.element, fault.parent
    if element.tag != f"{TAG}sequentialProfileAlternatives" or parent is None:
        return None
    first = next((child for child in parent.children if child.tag == element.tag), element)
    if first is element:
        return None

    def change() -> None:
        first.children += element.children
        parent.children.remove(element)

    return change


def _absent(fault: Fault, tag: str) -> Mend | None:
    inside = fault.element.tag == tag and fault.expected == (f"{TAG}transition",)
    return WAIVE if fault.expected == (tag,) or inside else None


def _version(fault: Fault) -> Mend | None:
    if fault.attribute != f"{TAG}efiVersion":
        return None
    return lambda: fault.element.attributes.__setitem__(f"{TAG}efiVersion", VERSION)


def _spelling(fault: Fault) -> Mend | None:
    if not isinstance(fault.type, SimpleType) or fault.value is None:
        return None
    text = trimmed(fault.value)
    if local_name(fault.type.name) == "DeviceClass":
        return replaced(fault, DEVICE_CLASS_SPELLINGS.get(re.sub("[ _-]+", "", text.lower()), ""))
    word = text.upper()
    return replaced(fault, CURRENCY_WORDS.get(word, word) if local_name(fault.type.name) == "CurrencyType" else word)


def _currency(fault: Fault) -> Mend | None:
    named = isinstance(fault.type, SimpleType) and local_name(fault.type.name) == "CurrencyType"
    return WAIVE if named and _CURRENCY_CODE.fullmatch(fault.value or "") else None


MENDERS = (
    Mender(PREFIXLESS_ATTRIBUTE, frozenset(("unexpected_attribute",)), _prefix),
    Mender(OLD_NAME, frozenset(("unexpected_attribute",)), _attribute_name),
    Mender(OLD_START_TIME, frozenset(("unexpected_attribute",)), _start_time),
    Mender(OLD_ROOT, frozenset(("unknown_root",)), _root_name),
    Mender(OLD_NAME, frozenset(("unexpected_element",)), _element_name),
    Mender(OLD_NAME, frozenset(("unexpected_element",)), _split_alternatives),
    *(
        Mender(kind, frozenset(("missing_element",)), lambda fault, tag=tag: _absent(fault, tag))  # type: ignore[misc]  # mypy guesses no default of a lambda
        for tag, kind in _WHAT_MAY_BE_ABSENT.items()
    ),
    Mender(NO_VERSION, frozenset(("missing_attribute",)), _version),
    Mender(
        PADDED,
        frozenset(("not_an_instant", "not_a_duration", "not_a_number", "pattern_mismatch", "not_listed")),
        padded,
    ),
    Mender(SPELLING, frozenset(("not_listed",)), _spelling),
    Mender(CURRENCY, frozenset(("not_listed",)), _currency),
    Mender(UNFINISHED_NUMBER, frozenset(("not_a_number", "not_a_duration", "out_of_bounds")), finished),
)
"""The leniencies in the order in which they are tried."""
