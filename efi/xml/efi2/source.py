"""A document of EFI 2.0 while it is read: its parts as values, and what is to be told of the reading."""

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any, NoReturn

from efi.conversion import Alias, Leniency, LeniencyKind, Loss, LossKind
from efi.refusal import Refusal
from efi.types import LARGEST
from efi.xml.efi2.leniencies import LONG_TEXT, NOT_A_NUMBER, REPEATED
from efi.xml.efi2.vocabulary import TAG
from efi.xml.errors import SenselessXmlError
from efi.xml.leniencies import CALENDAR_TIME, FINER_TIME, ZONELESS_TIME
from efi.xml.lexical import (
    LexicalError,
    finer_than_microseconds,
    of_the_calendar,
    read_duration,
    read_instant,
    read_money,
)
from efi.xml.mending import MOST_TOLD, UNTOLD
from efi.xml.names import NameTable, name_of
from efi.xml.tree import Element, path_of, trimmed

LONGEST_LABEL = 200
LONGEST_TEXT = 2000

_SHORTEST_FINE_INSTANT = 27
_SHORTEST_FINE_DURATION = 11

MONEY_ROUNDED = LossKind(
    ("StorageSystemDescription", "AdjustableSystemDescription"),
    "*/runningCost",
    "an amount has at most 18 decimal places; it is rounded",
)


class Source:
    """One document that its schema accepts. A place in it is an element, or an attribute of one."""

    def __init__(self, root: Element, names: NameTable) -> None:
        self.root = root
        self.names = names
        self.losses: list[Loss] = []
        self._forgiven: list[Leniency] = []
        self._untold = 0
        self.aliases: list[Alias] = []
        self._named: dict[str, str] = {}

    def path(self, element: Element, attribute: str | None = None) -> str:
        """Where an element or attribute stands."""
        return path_of(self.root, element, attribute)

    def forgive(self, kind: LeniencyKind, element: Element, value: Any, attribute: str | None = None) -> None:
        """Note what was forgiven; beyond a hundred, that there was more."""
        if len(self._forgiven) < MOST_TOLD:
            self._forgiven.append(kind.at(self.path(element, attribute), value))
        else:
            self._untold += 1

    @property
    def leniencies(self) -> tuple[Leniency, ...]:
        """What was forgiven."""
        return (*self._forgiven, *([UNTOLD.at(self.root.local, self._untold)] if self._untold else ()))

    def lose(self, kind: LossKind, element: Element, value: Any, attribute: str | None = None) -> None:
        """Note what the interface cannot carry; a hundred such places are told."""
        if len(self.losses) < MOST_TOLD:
            self.losses.append(Loss(self.path(element, attribute), value, kind.reason))

    def refuse(
        self, rule: str, element: Element, value: Any, fact: str, cure: str, attribute: str | None = None
    ) -> NoReturn:
        """End the reading: what stands there makes no sense."""
        raise SenselessXmlError([Refusal(rule, self.path(element, attribute), value, fact, cure)])

    # Text -------------------------------------------------------------------------------------------------------------

    def label(self, element: Element, attribute: str | None = None) -> str:
        """A name for people: one line of at most 200 characters."""
        text = _said(element, attribute)
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

    def numbered(self, element: Element, attribute: str | None = None) -> str:
        """The name of what is numbered."""
        text = _said(element, attribute)
        known = self._named.get(text)
        if known is not None:
            return known
        number = int(text)
        self._named[text] = name = self.names.name(number)
        if name != name_of(number) and not any(alias.name == name for alias in self.aliases):
            self.aliases.append(Alias(self.path(element, attribute), name, number))
        return name

    # Numbers ----------------------------------------------------------------------------------------------------------

    def number(self, element: Element, attribute: str | None = None) -> float:
        """A number that the interface can tell."""
        number = float(_said(element, attribute))
        if not -LARGEST <= number <= LARGEST:
            self.refuse(
                "number_out_of_range",
                element,
                _said(element, attribute)[:80],
                "the interface tells finite numbers of at most 1e15 either way",
                "write such a number, or leave it out where it may be",
                attribute,
            )
        return number

    def number_if_told(self, element: Element | None, attribute: str | None = None) -> float | None:
        """A number that may be absent, or NaN."""
        if element is None or (attribute is not None and attribute not in element.attributes):
            return None
        if math.isnan(float(_said(element, attribute))):
            self.forgive(NOT_A_NUMBER, element, "NaN", attribute)
            return None
        return self.number(element, attribute)

    def money(self, element: Element, attribute: str | None = None) -> Decimal:
        """An amount of money, digit by digit; what is finer than the interface tells is rounded."""
        text = _said(element, attribute)
        try:
            rounded, exact = read_money(text)
        except LexicalError as error:
            self.refuse(error.rule, element, text[:80], error.fact, error.cure, attribute)
        if not exact:
            self.lose(MONEY_ROUNDED, element, text[:80], attribute)
        return rounded

    def truth(self, element: Element) -> bool:
        """Whether it is so."""
        return trimmed(element.text) in ("true", "1")

    # Time -------------------------------------------------------------------------------------------------------------

    def instant(self, element: Element, attribute: str | None = None) -> datetime:
        """An instant in UTC; one without a zone is taken to be so, and told."""
        text = _said(element, attribute)
        try:
            read = read_instant(text)
        except LexicalError as error:
            self.refuse(error.rule, element, text[:80], error.fact, error.cure, attribute)
        if len(text) >= _SHORTEST_FINE_INSTANT and finer_than_microseconds(text):
            self.forgive(FINER_TIME, element, text[:80], attribute)
        if read.tzinfo is None:
            self.forgive(ZONELESS_TIME, element, text, attribute)
            return read.replace(tzinfo=UTC)
        if read.tzinfo is UTC:
            return read
        try:
            return read.astimezone(UTC)
        except OverflowError:
            cure = "name a nearer instant"
            self.refuse("instant_out_of_range", element, text[:80], "it is beyond the calendar", cure, attribute)

    def duration(self, element: Element, attribute: str | None = None) -> timedelta:
        """A length of time."""
        text = _said(element, attribute)
        try:
            read = read_duration(text)
        except LexicalError as error:
            self.refuse(error.rule, element, text[:80], error.fact, error.cure, attribute)
        if len(text) >= _SHORTEST_FINE_DURATION and finer_than_microseconds(text):
            self.forgive(FINER_TIME, element, text[:80], attribute)
        if of_the_calendar(text):
            self.forgive(CALENDAR_TIME, element, text[:80], attribute)
        return read

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


def _said(element: Element, attribute: str | None) -> str:
    return element.text if attribute is None else element.attributes[attribute]


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
