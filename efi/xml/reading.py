"""A document of either form while it is read: where its parts stand, and what is to be told of the reading."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, NoReturn

from efi.conversion import Alias, Leniency, LeniencyKind, Loss, LossKind
from efi.refusal import Refusal
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
from efi.xml.tree import Element, parents_of, path_by, trimmed

LONGEST_LABEL = 200
LONGEST_TEXT = 2000

_SHORTEST_FINE_INSTANT = 27
_SHORTEST_FINE_DURATION = 11


class Reading:
    """One document that its schema accepts. A place in it is an element, or an attribute of one."""

    money_rounded: ClassVar[LossKind]
    """What is lost of an amount of money that is told too finely."""

    def __init__(self, root: Element, names: NameTable) -> None:
        self.root = root
        self.names = names
        self.losses: list[Loss] = []
        self.aliases: list[Alias] = []
        self._forgiven: list[Leniency] = []
        self._untold = 0
        self._named: dict[str, str] = {}
        self._parents: dict[int, Element] = {}

    def path(self, element: Element, attribute: str | None = None) -> str:
        """Where an element or attribute stands."""
        if not self._parents:
            self._parents = parents_of(self.root)
        return path_by(self._parents, element, attribute)

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

    # Values -----------------------------------------------------------------------------------------------------------

    def numbered(self, element: Element, attribute: str | None = None) -> str:
        """The name of what is numbered."""
        text = said(element, attribute)
        known = self._named.get(text)
        if known is not None:
            return known
        number = int(text)
        self._named[text] = name = self.names.name(number)
        if name != name_of(number) and not any(alias.name == name for alias in self.aliases):
            self.aliases.append(Alias(self.path(element, attribute), name, number))
        return name

    def money(self, element: Element, attribute: str | None = None) -> Decimal:
        """An amount of money, digit by digit; what is finer than the interface tells is rounded."""
        text = trimmed(said(element, attribute))
        try:
            rounded, exact = read_money(text)
        except LexicalError as error:
            self.refuse(error.rule, element, text[:80], error.fact, error.cure, attribute)
        if not exact:
            self.lose(self.money_rounded, element, text[:80], attribute)
        return rounded

    def truth(self, element: Element) -> bool:
        """Whether it is so."""
        return trimmed(element.text) in ("true", "1")

    def instant(self, element: Element, attribute: str | None = None) -> datetime:
        """An instant in UTC; one without a zone is taken to be so, and told."""
        text = said(element, attribute)
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
        text = said(element, attribute)
        try:
            read = read_duration(text)
        except LexicalError as error:
            self.refuse(error.rule, element, text[:80], error.fact, error.cure, attribute)
        if len(text) >= _SHORTEST_FINE_DURATION and finer_than_microseconds(text):
            self.forgive(FINER_TIME, element, text[:80], attribute)
        if of_the_calendar(text):
            self.forgive(CALENDAR_TIME, element, text[:80], attribute)
        return read


def said(element: Element, attribute: str | None) -> str:
    """What stands in a place."""
    return element.text if attribute is None else element.attributes[attribute]
