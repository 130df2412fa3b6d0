"""Documents made at random from a schema, and changes that may or may not break its rules."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from xml.sax.saxutils import escape, quoteattr

from efi.xml.schema.definition import AnyType, ComplexType, Declaration, Schema, SimpleType, derives
from efi.xml.tree import Element, local_name

NUMBERS = ("0", "1", "-1", "1500.5", "-0.0", "+1", " 7 ", "1e3", "1E-3", "INF", "-INF", "NaN", ".5", "5.", "0.25")
NOT_NUMBERS = ("", "x", "1,5", "0x1", "1_0", "٣", "inf", "nan", "+INF", "-NaN", "1 2", ".", "--1", "1e1.5", "\xa01")
WHOLES = ("0", "1", "-1", "2147483647", "-2147483648", "+5", "007", " 3\n", "0" * 40 + "1")
NOT_WHOLES = ("2147483648", "-2147483649", "1.0", "1e2", "", "INF", "9" * 40, "٣", "-")
DECIMALS = ("0", "-1.5", "0.123456789012345678", "9" * 30, ".5", "5.", "+0", " 1 ")
NOT_DECIMALS = ("1e5", "INF", "NaN", "", ".", "1 1", "-")
INSTANTS = (
    "2026-03-29T01:00:00Z", "2026-03-29T01:00:00", "2026-03-29T01:00:00.123456789+02:00", "2026-12-31T24:00:00",
    "-0001-01-01T00:00:00", "12026-01-01T00:00:00Z", "2024-02-29T00:00:00-14:00", "2026-01-01T00:00:00.5Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-13:59", "-0004-02-29T00:00:00", "2000-02-29T00:00:00Z",
)  # fmt: skip
NOT_INSTANTS = (
    "", "2026-03-29", "2026-03-29T01:00", "2026-02-29T00:00:00", "2026-01-01T24:00:01", "2026-01-01T00:00:60",
    "0000-01-01T00:00:00", "02026-01-01T00:00:00", "2026-01-01T00:00:00.", "2026-01-01T00:00:00+14:01",
    "2026-01-01t00:00:00Z", "2026-01-01T00:00:00z", "2026-1-1T0:0:0", "+2026-01-01T00:00:00", "1900-02-29T00:00:00",
    "2026-01-01T00:00:00+0100", "2026-13-01T00:00:00", "2026-01-32T00:00:00", "-0000-01-01T00:00:00",
    "9223372036854775808-01-01T00:00:00", "2026-04-31T00:00:00", "2026-01-01T25:00:00", "2026-01-01T00:60:00",
)  # fmt: skip
DURATIONS = ("PT0S", "PT15M", "P1D", "P1Y2M3DT4H5M6.7S", "-PT1S", "P1M", "PT0.000001S", "P0000000000000000000000001D",
             "PT9223372036854775807S", "P768614336404564650Y")  # fmt: skip
NOT_DURATIONS = ("", "P", "PT", "P1DT", "P1W", "PT1H2H", "P1D1Y", "P1.5D", "+PT1S", "pt1s", "PT1,5S", "PT1e5S", "1",
                 "PT9223372036854775808S", "P768614336404564651Y", "PT٣S")  # fmt: skip
BOOLEANS = ("true", "false", "1", "0", " true ")
NOT_BOOLEANS = ("", "TRUE", "True", "t", "yes", "2")
STRINGS = ("", "a", " two words ", "é", "1", "tab\there", "a&b<c>\"d'", "😀")
NAMES = ("message-003", "_x", "é", " padded ", "a.b-c_d")
NOT_NAMES = ("", "1a", "a:b", "a b", "-a", ".a")

OF_BUILTIN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "double": (NUMBERS, NOT_NUMBERS),
    "decimal": (DECIMALS, NOT_DECIMALS),
    "int": (WHOLES, NOT_WHOLES),
    "dateTime": (INSTANTS, NOT_INSTANTS),
    "duration": (DURATIONS, NOT_DURATIONS),
    "boolean": (BOOLEANS, NOT_BOOLEANS),
    "string": (STRINGS, ()),
    "ID": (NAMES, NOT_NAMES),
}


SANE = {
    "double": ("0", "1", "-1", "1500.5", "1e3", "100", "0.25", "-0.0", "20", "50.5"),
    "int": ("1", "2", "3", " 4 ", "-1", "2147483647"),
    "dateTime": (
        "2026-03-29T01:00:00Z", "2026-03-29T01:00:00", "2026-03-29T01:00:00.123456+02:00", "2026-12-31T24:00:00",
        "2028-02-29T00:00:00-14:00",
    ),
    "duration": ("PT0S", "PT15M", "P1D", "P0Y0M1DT2H3M4.5S", "PT0.000001S"),
    "decimal": ("0", "-1.5", "0.123456789012345678", "5.", "+1", " 2 "),
    "string": STRINGS[:-2],
}  # fmt: skip
"""Texts of which messages can be made."""


def texts_of(kind: SimpleType) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Texts that are of a type, and some that are not."""
    if kind.values:
        return kind.values, ("", " ", f" {kind.values[0]} ", kind.values[0].lower(), "nothing", kind.values[0] + "\n")
    if kind.name.endswith("}Identifier"):
        return ("aa", "a" * 64, "0-_:", "A1"), ("a", "a" * 65, " aa", "aa\n", "é1", "a b", "", "a.b")
    if kind.base is not None and kind.rule == "out_of_bounds":
        return ("0", "1", "0.5", " 0.25 ", "-0.0", "1e-400"), ("1.0001", "-0.1", "INF", "NaN", "", "x", "-INF")
    return OF_BUILTIN[local_name(kind.name)]


def types_of(schema: Schema, declared: AnyType) -> list[AnyType]:
    """The types that an element may be of, the declared one first."""
    named = [kind for kind in schema.types.values() if kind is not declared and derives(kind, declared)]
    return [declared, *named]


def chance(*seed: object) -> Random:
    """The same sequence of chances for the same seed."""
    return Random(" ".join(map(str, seed)))  # noqa: S311  # nothing is kept secret by it


@dataclass
class Maker:
    """Makes documents of one schema; the prefix `efi` stands for its namespace."""

    schema: Schema
    random: Random
    sane: bool = False
    """Whether texts are such that a message may come of them."""

    def text(self, kind: SimpleType) -> str:
        """A text of a type."""
        name = local_name(kind.name)
        return self.random.choice(SANE[name] if self.sane and name in SANE else texts_of(kind)[0])

    def document(self) -> Element:
        """A valid document."""
        return self.element(self.random.choice(list(self.schema.elements.values())))

    def element(self, declaration: Declaration) -> Element:
        """A valid element."""
        kind = declaration.type
        made = Element(declaration.tag)
        if isinstance(kind, SimpleType):
            made.text = declaration.fixed or self.text(kind)
            return made
        derived = [each for each in types_of(self.schema, kind) if isinstance(each, ComplexType) and not each.abstract]
        if kind.abstract or (len(derived) > 1 and self.random.random() < 0.05):
            kind = self.random.choice(derived)
            made.attributes["xsi:type"] = f"efi:{local_name(kind.name)}"
        for attribute in kind.attributes.values():
            if attribute.required or self.random.random() < 0.5:
                made.attributes[attribute.tag] = attribute.fixed or self.text(attribute.type)
        if kind.text is not None:
            made.text = self.text(kind.text)
        for slot in kind.slots:
            most = slot.most if slot.most is not None else slot.least + self.random.choice((0, 0, 1, 2))
            for _ in range(self.random.randint(slot.least, max(most, slot.least))):
                made.children.append(self.element(self.random.choice(list(slot.elements.values()))))
        return made


def elements_of(root: Element) -> list[Element]:
    """All elements, the root first."""
    found = [root]
    for element in found:
        found.extend(element.children)
    return found


def serialised(root: Element, namespace: str) -> str:
    """The document as text; a name without a namespace is written without a prefix."""
    declared = (
        f' xmlns:efi="{namespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:x="urn:x"'
    )
    return _written(root, namespace, declared)


def _written(element: Element, namespace: str, declared: str = "") -> str:
    def name(tag: str) -> str:
        space, _, local = tag.rpartition("}")
        return f"efi:{local}" if space == namespace else f"x:{local}" if space else local

    attributes = "".join(f" {name(tag)}={_quoted(value)}" for tag, value in element.attributes.items())
    inner = escape(element.text) + "".join(_written(child, namespace) for child in element.children)
    return f"<{name(element.tag)}{declared}{attributes}>{inner}</{name(element.tag)}>"


def _quoted(value: str) -> str:
    return quoteattr(value, {"\n": "&#10;", "\t": "&#9;"})


# Changes --------------------------------------------------------------------------------------------------------------

Change = Callable[[Random, Element, Schema], None]


def _any_text(random: Random) -> str:
    good, bad = random.choice(list(OF_BUILTIN.values()))
    return random.choice((*good, *bad))


def drop(random: Random, root: Element, schema: Schema) -> None:
    """Leave an element out."""
    if parents := [element for element in elements_of(root) if element.children]:
        children = random.choice(parents).children
        children.pop(random.randrange(len(children)))


def repeat(random: Random, root: Element, schema: Schema) -> None:
    """Say an element twice."""
    if parents := [element for element in elements_of(root) if element.children]:
        children = random.choice(parents).children
        children.insert(random.randrange(len(children) + 1), deepcopy(random.choice(children)))


def swap(random: Random, root: Element, schema: Schema) -> None:
    """Change the order of two elements."""
    if parents := [element for element in elements_of(root) if len(element.children) > 1]:
        children = random.choice(parents).children
        one, other = random.sample(range(len(children)), 2)
        children[one], children[other] = children[other], children[one]


def move(random: Random, root: Element, schema: Schema) -> None:
    """Put a copy of an element where another stands."""
    elements = elements_of(root)
    if parents := [element for element in elements if element.children]:
        children = random.choice(parents).children
        children[random.randrange(len(children))] = deepcopy(random.choice(elements))


def rename(random: Random, root: Element, schema: Schema) -> None:
    """Give an element another name."""
    element = random.choice(elements_of(root))
    other = random.choice([each.tag for each in elements_of(root)] + ["other", "urn:x}other", local_name(element.tag)])
    element.tag = other


def drop_attribute(random: Random, root: Element, schema: Schema) -> None:
    """Leave an attribute out."""
    if owners := [element for element in elements_of(root) if element.attributes]:
        attributes = random.choice(owners).attributes
        attributes.pop(random.choice(list(attributes)))


def add_attribute(random: Random, root: Element, schema: Schema) -> None:
    """Add an attribute that may be unknown there."""
    element = random.choice(elements_of(root))
    known = [tag for each in elements_of(root) for tag in each.attributes]
    more = [
        "other",
        "urn:x}other",
        "xsi:schemaLocation",
        "xsi:noNamespaceSchemaLocation",
        "xsi:nil",
        "xsi:type",
        "xml:lang",
    ]
    element.attributes[random.choice(known + more)] = random.choice(
        (_any_text(random), "efi:Timer", "xs:token", "xs:int")
    )


def retype(random: Random, root: Element, schema: Schema) -> None:
    """Name a type in the document."""
    names = [local_name(name) for name in schema.types]
    random.choice(elements_of(root)).attributes["xsi:type"] = f"{random.choice(('efi', 'xs'))}:{random.choice(names)}"


def unqualify(random: Random, root: Element, schema: Schema) -> None:
    """Take the prefix from an attribute."""
    if owners := [element for element in elements_of(root) if element.attributes]:
        element = random.choice(owners)
        tag = random.choice(list(element.attributes))
        element.attributes[local_name(tag)] = element.attributes.pop(tag)


def rewrite(random: Random, root: Element, schema: Schema) -> None:
    """Change a text."""
    random.choice(elements_of(root)).text = _any_text(random)


def rewrite_leaf(random: Random, root: Element, schema: Schema) -> None:
    """Change a text where texts stand."""
    random.choice([element for element in elements_of(root) if not element.children]).text = _any_text(random)


def rewrite_attribute(random: Random, root: Element, schema: Schema) -> None:
    """Change an attribute's value."""
    if owners := [element for element in elements_of(root) if element.attributes]:
        attributes = random.choice(owners).attributes
        attributes[random.choice(list(attributes))] = _any_text(random)


CHANGES: tuple[Change, ...] = (
    drop, repeat, swap, move, rename, drop_attribute, add_attribute, retype, unqualify, rewrite, rewrite_leaf,
    rewrite_attribute,
)  # fmt: skip
