"""A document of EFI 2.0 while it is read: its parts as values, and what is to be told of the reading."""

import math
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from efi.conversion import LossKind
from efi.types import LARGEST
from efi.xml.efi2.leniencies import LONG_TEXT, NOT_A_NUMBER, REPEATED
from efi.xml.efi2.vocabulary import TAG
from efi.xml.reading import LONGEST_LABEL, LONGEST_TEXT, Reading, said
from efi.xml.tree import Element

MONEY_ROUNDED = LossKind(
    ("StorageSystemDescription", "AdjustableSystemDescription"),
    "*/runningCost",
    "an amount has at most 18 decimal places; it is rounded",
)


class Source(Reading):
    """One document that its schema accepts. A place in it is an element, or an attribute of one."""

    money_rounded = MONEY_ROUNDED

    # Text -------------------------------------------------------------------------------------------------------------

    def label(self, element: Element, attribute: str | None = None) -> str:
        """A name for people: one line of at most 200 characters."""
        text = said(element, attribute)
        if len(text) <= LONGEST_LABEL and (text.isprintable() or not any(map(_is_control, text))):
            return text
        self.forgive(LONG_TEXT, element, f"{len(text)} characters", attribute)
        return "".join(" " if mark in "\t\r\n" else mark for mark in text if mark in "\t\r\n" or not _is_control(mark))[
            :LONGEST_LABEL
        ]

    def words(self, element: Element) -> str:
        """An explanation for people of at most 2000 characters."""
        text = element.text
        kept = "".join(mark for mark in text if mark in "\t\n" or not _is_control(mark))[:LONGEST_TEXT]
        if kept != text:
            self.forgive(LONG_TEXT, element, f"{len(text)} characters")
        return kept

    # Numbers ----------------------------------------------------------------------------------------------------------

    def number(self, element: Element, attribute: str | None = None) -> float:
        """A number that the interface can tell."""
        number = float(said(element, attribute))
        if not -LARGEST <= number <= LARGEST:
            self.refuse(
                "number_out_of_range",
                element,
                said(element, attribute)[:80],
                "the interface tells finite numbers of at most 1e15 either way",
                "write such a number, or leave it out where it may be",
                attribute,
            )
        return number

    def number_if_told(self, element: Element | None, attribute: str | None = None) -> float | None:
        """A number that may be absent, or NaN."""
        if element is None or (attribute is not None and attribute not in element.attributes):
            return None
        if math.isnan(float(said(element, attribute))):
            self.forgive(NOT_A_NUMBER, element, "NaN", attribute)
            return None
        return self.number(element, attribute)

    # Lists ------------------------------------------------------------------------------------------------------------

    def once(self, elements: Iterable[Element], *numbers: str) -> list[Element]:
        """Elements that attributes or children of these names tell apart; what comes again is left out, and told."""
        found: dict[tuple[str, ...], Element] = {}
        for element in elements:
            key = tuple(_number(element, TAG + name) for name in numbers)
            if found.setdefault(key, element) is not element:
                self.forgive(REPEATED, element, " ".join(key))
        return list(found.values())


def _number(element: Element, tag: str) -> str:
    text = element.attributes.get(tag)
    if text is None:
        text = next(child.text for child in element.children if child.tag == tag)
    return str(int(text))


def _is_control(mark: str) -> bool:
    return mark < " " or mark == "\x7f"


def made_id(word: str, *facts: object) -> str:
    """The id of a message that has none in EFI 2.0, made from what tells it from others."""
    digest = blake2b("\0".join(map(str, facts)).encode(), digest_size=8)
    return f"{word}-{digest.hexdigest()}"


def part(element: Element, name: str) -> Element:
    """The child of that name, which the schema demands."""
    found = maybe(element, name)
    if found is None:
        raise LookupError(f"{element.local} lacks {name}")
    return found


def maybe(element: Element, name: str) -> Element | None:
    """The child of that name, or None."""
    tag = TAG + name
    for child in element.children:
        if child.tag == tag:
            return child
    return None


def parts(element: Element | None, name: str) -> Iterator[Element]:
    """The children of that name; none where there is no element."""
    if element is not None:
        tag = TAG + name
        for child in element.children:
            if child.tag == tag:
                yield child
