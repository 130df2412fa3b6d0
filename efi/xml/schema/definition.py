"""What a schema defines, in the form in which documents are checked (XML Schema 1.0, as far as EFI uses it)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SimpleType:
    """What the text of an element or attribute may be."""

    name: str
    """`namespace}local`; nothing where it has none."""
    base: "SimpleType | None"
    """The type that this one narrows."""
    accepts: Callable[[str], object]
    """Whether a text is of this type: true or false, or anything that counts as such."""
    rule: str
    """The rule that any other text breaks."""
    fact: str
    """What is then wrong, for people."""
    cure: str
    """What the sender can write instead."""
    values: tuple[str, ...] = ()
    """All texts that it accepts, where these are listed."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Attribute:
    """An attribute that an element may have."""

    tag: str
    type: SimpleType
    required: bool
    fixed: str | None
    default: str | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Declaration:
    """An element by its name, and what it may hold."""

    tag: str
    type: "SimpleType | ComplexType"
    fixed: str | None = None
    accepts: Callable[[str], object] | None = None
    """Whether a text alone is valid within; None where more must be looked at."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Slot:
    """A place in the order of children: one element, or a choice of some, and how often."""

    elements: dict[str, Declaration]
    least: int
    most: int | None
    """One at least; None where nothing bounds it."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ComplexType:
    """What an element with children or attributes may hold."""

    name: str
    base: "SimpleType | ComplexType | None"
    abstract: bool = False
    attributes: dict[str, Attribute] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    slots: tuple[Slot, ...] = ()
    text: SimpleType | None = None
    """What its text may be; None where it has none."""

    def declarations(self) -> Iterator[Declaration]:
        """Every child that it may hold."""
        for slot in self.slots:
            yield from slot.elements.values()


AnyType = SimpleType | ComplexType


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Schema:
    """All that one generation's documents may be."""

    namespace: str
    elements: dict[str, Declaration]
    """What a document may begin with."""
    types: dict[str, AnyType]
    """What xsi:type may name."""


def derives(kind: AnyType | None, base: AnyType) -> bool:
    """Whether a type is another, or made from it."""
    while kind is not None:
        if kind is base:
            return True
        kind = kind.base
    return False
