"""A document of the interim form while it is read: its parts as values, and what is to be told of the reading."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NoReturn

from efi.conversion import Alias, Leniency, LeniencyKind, Loss, LossKind
from efi.refusal import Refusal
from efi.types import LARGEST, NumberRange
from efi.xml.errors import SenselessXmlError
from efi.xml.interim.leniencies import LONG_TEXT, REPEATED
from efi.xml.interim.vocabulary import CURRENCIES, MULTIPLIERS, TAG
from efi.xml.leniencies import CALENDAR_TIME, FINER_TIME, REVERSED_RANGE, ZONELESS_TIME
from efi.xml.lexical import (
    LexicalError,
    finer_than_microseconds,
    of_the_calendar,
    read_duration,
    read_instant,
    read_money,
)
from efi.xml.names import LEAST, MOST, NameTable, identifier_of, name_of
from efi.xml.scale import ONE, scaled
from efi.xml.schema.builtin import INTEGER
from efi.xml.tree import BLANKS, Element, path_of

_MULTIPLIER = f"{TAG}multiplier"
_CURRENCY = f"{TAG}currency"

PRICE_CURRENCY = LossKind(
    ("storageSystemDescription", "outputAdjustableSystemDescription"),
    "*/@currency",
    "a currency is told with the registration, and not with each cost",
)

MONEY_ROUNDED = LossKind(
    ("storageSystemDescription", "outputAdjustableSystemDescription"),
    "*/transitionCosts",
    "an amount has at most 18 decimal places; it is rounded",
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")

LONGEST_LABEL = 200
LONGEST_TEXT = 2000


class Source:
    """One document that its schema accepts."""

    def __init__(
        self,
        root: Element,
        names: NameTable,
        calorific_value: Fraction | None = None,
    ) -> None:
        self.root = root
        self.registered_currency: str | None = None
        """The currency that the appliance named when it registered, as far as it is known."""
        self.currency: str | None = None
        """The currency of its costs, as far as they name one."""
        self.device_description: Element | None = None
        """What a document of the branch's head says of the device."""
        self.upper: dict[int, Element] = {}
        """What holds at the upper end of a range, by the id of the element that tells the range."""
        self.names = names
        self.calorific_value = calorific_value
        """J in a m³ of gas, where that is known."""
        self.losses: list[Loss] = []
        self.leniencies: list[Leniency] = []
        self.aliases: list[Alias] = []
        self._named: dict[str, str] = {}

    def path(self, element: Element) -> str:
        """Where an element stands."""
        return path_of(self.root, element)

    def forgive(self, kind: LeniencyKind, element: Element, value: object) -> None:
        """Note what was forgiven."""
        self.leniencies.append(kind.at(self.path(element), value))

    def refuse(self, rule: str, element: Element, value: object, fact: str, cure: str) -> NoReturn:
        """End the reading: what stands there makes no sense."""
        raise SenselessXmlError([Refusal(rule, self.path(element), value, fact, cure)])

    def lose(self, kind: LossKind, element: Element) -> None:
        """Note what the interface cannot carry."""
        self.losses.append(Loss(self.path(element), " ".join(element.text.split()) or None, kind.reason))

    # Text -------------------------------------------------------------------------------------------------------------

    def label(self, element: Element) -> str:
        """A name for people: one line, shortened where it is longer than a label may be."""
        text = element.text
        line = _CONTROL.sub(" ", text).strip() if _CONTROL.search(text) else text
        return self._shortened(element, line, LONGEST_LABEL)

    def words(self, element: Element, text: str) -> str:
        """An explanation for people, which is the text of an element or a part of it."""
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x7f", " ")
        return self._shortened(element, text, LONGEST_TEXT)

    def _shortened(self, element: Element, text: str, longest: int) -> str:
        if len(text) <= longest:
            return text
        self.forgive(LONG_TEXT, element, f"{len(text)} characters")
        return text[:longest]

    def identifier(self, element: Element) -> str:
        """The identifier that an XML name stands for."""
        name = element.text.strip(BLANKS)
        identifier = identifier_of(name)
        if identifier is None:
            self.refuse("name_too_long", element, name[:80], "it has more than 64 characters", "shorten it")
        if identifier != name:
            self.aliases.append(Alias(self.path(element), identifier, name))
        return identifier

    def word(self, element: Element) -> str:
        """A word of the schema."""
        return element.text.strip(BLANKS)

    # Numbers ----------------------------------------------------------------------------------------------------------

    def whole(self, element: Element) -> int:
        """A whole number."""
        return int(element.text)

    def numbered(self, element: Element) -> str:
        """The name of what is numbered."""
        text = element.text
        known = self._named.get(text)
        if known is not None:
            return known
        number = int(text)
        self._named[text] = name = self.names.name(number)
        if name != name_of(number) and not any(alias.name == name for alias in self.aliases):
            self.aliases.append(Alias(self.path(element), name, number))
        return name

    def numbered_text(self, element: Element) -> str:
        """The name of what is numbered elsewhere, and told as text here."""
        text = element.text.strip(BLANKS)
        found = INTEGER.fullmatch(text)
        if found is not None and LEAST <= int(text) <= MOST:
            return self.numbered(element)
        identifier = identifier_of(text)
        if identifier is None:
            self.refuse("not_a_whole_number", element, text[:80], "it is not the number of an actuator", "write it")
        return identifier

    def truth(self, element: Element) -> bool:
        """Whether it is so."""
        return element.text.strip(BLANKS) in ("true", "1")

    def number(self, element: Element, factor: Fraction = ONE) -> float:
        """A number times a factor."""
        number = float(element.text) if factor is ONE else scaled(element.text.strip(BLANKS), factor)
        if -LARGEST <= number <= LARGEST:
            return number
        return self.refuse(
            "number_out_of_range",
            element,
            element.text.strip(BLANKS)[:80],
            "the interface tells finite numbers of at most 1e15 either way",
            "write such a number, or leave it out",
        )

    def measure(self, element: Element, factor: Fraction = ONE) -> float:
        """A number with the SI prefix of its unit, times a factor."""
        return self.number(element, factor * self.prefix(element) if element.attributes else factor)

    def prefix(self, element: Element) -> Fraction:
        """The number for which the SI prefix stands; 1 where there is none."""
        return Fraction(10) ** MULTIPLIERS.get(element.attributes.get(_MULTIPLIER, ""), 0)

    def price(self, element: Element) -> Decimal:
        """An amount of money; its currency is noted."""
        currency = CURRENCIES.get(element.attributes.get(_CURRENCY, ""))
        if currency is not None:
            if self.currency not in (None, currency):
                self.refuse(
                    "currencies_differ",
                    element,
                    currency,
                    f"other costs are in {self.currency}, and an appliance tells all in one currency",
                    "tell all costs in one",
                )
            self.currency = currency
            if currency != self.registered_currency:
                self.losses.append(Loss(self.path(element), currency, PRICE_CURRENCY.reason))
        return self._money(element)

    def _money(self, element: Element) -> Decimal:
        """An amount of money, digit by digit; what is finer than the interface tells is rounded."""
        text = element.text
        try:
            amount, in_full = read_money(text)
        except LexicalError as error:
            self.refuse(error.rule, element, text.strip(BLANKS)[:80], error.fact, error.cure)
        if not in_full:
            self.losses.append(Loss(self.path(element), text.strip(BLANKS)[:80], MONEY_ROUNDED.reason))
        return amount

    def gas_factor(self, element: Element) -> Fraction:
        """m³/s in a W of gas. Refuses where the calorific value is not known, unless the element tells 0."""
        if self.calorific_value is not None:
            return 1 / self.calorific_value
        value = maybe(element, "value")
        value = element if value is None else value
        bounds = maybe(element, "probabilityInfo")
        if not any(float(each.text) for each in (value, *(bounds.children if bounds is not None else ()))):
            return ONE
        return self.refuse(
            "gas_in_watt",
            element,
            value.text.strip(BLANKS)[:80],
            "gas is told in W, and W become m³/s by a calorific value alone",
            "give the calorific value of the gas in J/m³",
        )

    def number_range(self, element: Element, lower: float, upper: float) -> NumberRange:
        """A range; one whose bounds stand the wrong way round is turned, and told."""
        if lower > upper:
            self.forgive(REVERSED_RANGE, element, f"{lower} to {upper}")
            lower, upper = upper, lower
        return NumberRange(lower=lower, upper=upper)

    # Time -------------------------------------------------------------------------------------------------------------

    def instant(self, element: Element) -> datetime:
        """An instant in UTC; one without a zone is taken to be so, and told."""
        text = element.text
        try:
            read = read_instant(text)
            if "." in text and finer_than_microseconds(text):
                self.forgive(FINER_TIME, element, text[:80])
            if read.tzinfo is None:
                self.forgive(ZONELESS_TIME, element, text)
                return read.replace(tzinfo=UTC)
            return read if read.tzinfo is UTC else read.astimezone(UTC)
        except LexicalError as error:
            self.refuse(error.rule, element, text[:80], error.fact, error.cure)
        except OverflowError:
            self.refuse("instant_out_of_range", element, text[:80], "it is beyond the calendar", "name a nearer one")

    def duration(self, element: Element) -> timedelta:
        """A length of time."""
        text = element.text
        try:
            read = read_duration(text)
        except LexicalError as error:
            self.refuse(error.rule, element, text[:80], error.fact, error.cure)
        if "." in text and finer_than_microseconds(text):
            self.forgive(FINER_TIME, element, text[:80])
        if of_the_calendar(text):
            self.forgive(CALENDAR_TIME, element, text[:80])
        return read


def once(source: Source, elements: Iterator[Element], numbered_by: str) -> list[Element]:
    """Elements that are told apart by a number; a second one of the same number is left out, and told."""
    found: dict[str, Element] = {}
    for element in elements:
        number = _number(part(element, numbered_by).text)
        if number in found:
            source.forgive(REPEATED, element, number)
        else:
            found[number] = element
    return list(found.values())


def _number(text: str) -> str:
    """A number as it is written shortest; other text as it stands."""
    text = text.strip(BLANKS)
    return str(int(text)) if INTEGER.fullmatch(text) else text


def part(element: Element, name: str) -> Element:
    """The child of that name, which the schema demands."""
    tag = TAG + name
    for child in element.children:
        if child.tag == tag:
            return child
    raise LookupError(f"{element.local} lacks {name}")


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
