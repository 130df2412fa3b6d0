"""A document of the interim form while it is read: its parts as values, and what is to be told of the reading."""

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from efi.conversion import Alias, LossKind
from efi.types import LARGEST, NumberRange
from efi.xml.interim.leniencies import LONG_TEXT, REPEATED
from efi.xml.interim.vocabulary import CURRENCIES, MULTIPLIERS, TAG
from efi.xml.leniencies import REVERSED_RANGE
from efi.xml.names import LEAST, MOST, NameTable, identifier_of
from efi.xml.reading import LONGEST_LABEL, LONGEST_TEXT, Reading
from efi.xml.scale import ONE, scaled
from efi.xml.schema.builtin import INTEGER
from efi.xml.tree import BLANKS, Element

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


class Source(Reading):
    """One document that its schema accepts."""

    money_rounded = MONEY_ROUNDED

    def __init__(self, root: Element, names: NameTable, calorific_value: Fraction | None = None) -> None:
        super().__init__(root, names)
        self.registered_currency: str | None = None
        """The currency that the appliance named when it registered, as far as it is known."""
        self.currency: str | None = None
        """The currency of its costs, as far as they name one."""
        self.device_description: Element | None = None
        """What a document of the branch's head says of the device."""
        self.upper: dict[int, Element] = {}
        """What holds at the upper end of a range, by the id of the element that tells the range."""
        self.calorific_value = calorific_value
        """J in a m³ of gas, where that is known."""

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
                self.lose(PRICE_CURRENCY, element, currency)
        return self.money(element)

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
