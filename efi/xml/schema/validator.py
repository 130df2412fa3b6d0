"""The check of a document against its schema: every place where it breaks a rule, up to a bound."""

from dataclasses import dataclass
from typing import NamedTuple

from efi.refusal import Refusal
from efi.xml.parser import INSTANCE, XSI_TYPE
from efi.xml.schema.builtin import BUILTIN, XSD
from efi.xml.schema.definition import AnyType, Attribute, ComplexType, Declaration, Schema, SimpleType, Slot, derives
from efi.xml.tree import BLANKS, Element, local_name, path_of

MOST_FAULTS = 100
"""How many faults of one document are told to people."""

LONGEST_VALUE = 80

XSI_NIL = f"{INSTANCE}}}nil"
_HINTS = frozenset((f"{INSTANCE}}}schemaLocation", f"{INSTANCE}}}noNamespaceSchemaLocation"))
_ID = BUILTIN[f"{XSD}}}ID"]


class Fault(NamedTuple):
    """One place where a document is not as its schema asks."""

    rule: str
    element: Element
    """The element that is wrong, or whose attribute or child is."""
    attribute: str | None
    """The attribute's name, where it is about one."""
    value: str | None
    """What stands there."""
    fact: str
    cure: str
    type: AnyType | None
    """The type that was to be met: of the text for a wrong text, of the element for anything within it."""
    expected: tuple[str, ...] = ()
    """The names of the elements of which one must stand there."""
    parent: Element | None = None
    """The element within which a child stands that may not stand there."""

    def refusal(self, root: Element) -> Refusal:
        """The fault for people, its place told from the document's root."""
        fact = f"line {self.element.line}: {self.fact}" if self.element.line else self.fact
        return Refusal(self.rule, path_of(root, self.element, self.attribute), _shown(self.value), fact, self.cure)


def _shown(value: str | None) -> str | None:
    if value is None:
        return None
    text = ascii(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


class _Enough(Exception):  # noqa: N818  # it ends the check and never leaves this file
    """There are as many faults as are told."""


def validate(root: Element, schema: Schema, most: int = MOST_FAULTS) -> list[Fault]:
    """What is wrong with a document, in its order and at most so much; nothing when it is valid."""
    check = _Check(schema, most, [], {})
    try:
        declaration = schema.elements.get(root.tag)
        if declaration is None:
            known = ", ".join(sorted(local_name(tag) for tag in schema.elements))
            check.add("unknown_root", root, None, root.local, "there is no such message", f"begin with one of {known}")
        else:
            check.element(root, declaration)
    except _Enough:
        pass
    return check.faults


@dataclass(slots=True)
class _Check:
    """One run over one document; its recursion is as deep as the parser lets elements be."""

    schema: Schema
    most: int
    faults: list[Fault]
    ids: dict[str, Element]

    def add(
        self,
        rule: str,
        element: Element,
        attribute: str | None,
        value: str | None,
        fact: str,
        cure: str,
        kind: AnyType | None = None,
        expected: tuple[str, ...] = (),
        parent: Element | None = None,
    ) -> None:
        self.faults.append(Fault(rule, element, attribute, value, fact, cure, kind, expected, parent))
        if len(self.faults) >= self.most:
            raise _Enough

    def element(self, element: Element, declaration: Declaration) -> None:
        kind = declaration.type
        attributes = element.attributes
        if element.scope is not None or XSI_NIL in attributes:
            named = self._instance_type(element, kind)
            if named is None:
                return
            kind = named
        if isinstance(kind, SimpleType):
            if attributes:
                self._attributes(element, kind, {}, ())
            self._simple_content(element, kind, kind, declaration.fixed)
            return
        if kind.abstract:
            self.add("abstract_type", element, None, None, *_ABSTRACT, kind)
            return
        if attributes or kind.required:
            self._attributes(element, kind, kind.attributes, kind.required)
        if kind.text is not None:
            self._simple_content(element, kind, kind.text, declaration.fixed)
            return
        if element.text and (not kind.slots or element.text.strip(BLANKS)):
            self.add("unexpected_text", element, None, element.text, *_NO_TEXT, kind)
        self._children(element, kind)

    def _instance_type(self, element: Element, kind: AnyType) -> AnyType | None:
        """The type that the document itself names by xsi:type; None where it names one that does not fit."""
        if XSI_NIL in element.attributes:
            value = element.attributes[XSI_NIL]
            self.add("not_nillable", element, XSI_NIL, value, "no element may be nil", "leave it out", kind)
            return None
        if element.scope is None:
            return kind
        written = element.attributes[XSI_TYPE]
        prefix, _, name = written.rpartition(":")
        named = self.schema.types.get(f"{element.scope.get(prefix, '')}}}{name}")
        if named is None:
            self.add("unknown_type", element, XSI_TYPE, written, "there is no such type", _OTHER_TYPE, kind)
        elif not derives(named, kind):
            self.add("type_not_derived", element, XSI_TYPE, written, "it is not made from this type", _OTHER_TYPE, kind)
            return None
        return named

    def _attributes(
        self, element: Element, kind: AnyType, allowed: dict[str, Attribute], required: tuple[str, ...]
    ) -> None:
        attributes = element.attributes
        for tag, value in attributes.items():
            attribute = allowed.get(tag)
            if attribute is None:
                if tag not in _HINTS and tag != XSI_TYPE:
                    fact = f"{element.local} has no attribute {tag if '}' not in tag else local_name(tag)}"
                    if "}" not in tag:
                        fact += " without a prefix"
                    self.add("unexpected_attribute", element, tag, value, fact, _LEAVE_OUT, kind)
            elif not attribute.type.accepts(value):
                self._wrong(element, tag, value, attribute.type)
            elif attribute.fixed is not None and value != attribute.fixed:
                self._not_fixed(element, tag, value, attribute.fixed, attribute.type)
        for tag in required:
            if tag not in attributes and local_name(tag) not in attributes:
                fact = f"{element.local} lacks the attribute {local_name(tag)}"
                self.add("missing_attribute", element, tag, None, fact, "give it", kind)

    def _simple_content(self, element: Element, of: AnyType, kind: SimpleType, fixed: str | None) -> None:
        text = element.text
        if element.children:
            self.add("unexpected_element", element.children[0], None, None, *_NO_CHILDREN, of)
        elif fixed is not None:
            if text not in ("", fixed):
                self._not_fixed(element, None, text, fixed, kind)
        elif not kind.accepts(text):
            self._wrong(element, None, text, kind)
        elif kind is _ID:
            name = text.strip(BLANKS)
            if name in self.ids:
                self.add(
                    "repeated_id", element, None, text, "this name stands twice in the document", _OTHER_NAME, kind
                )
            self.ids[name] = element

    def _wrong(self, element: Element, attribute: str | None, value: str, kind: SimpleType) -> None:
        self.add(kind.rule, element, attribute, value, kind.fact, kind.cure, kind)

    def _not_fixed(self, element: Element, attribute: str | None, value: str, fixed: str, kind: SimpleType) -> None:
        self.add("not_fixed_value", element, attribute, value, f"it is not {fixed}", f"write {fixed}", kind)

    def _children(self, element: Element, kind: ComplexType) -> None:
        slots = kind.slots
        place, count, last = 0, 0, len(slots)
        for child in element.children:
            tag = child.tag
            while place < last:
                slot = slots[place]
                declaration = slot.elements.get(tag)
                if declaration is not None:
                    break
                if count < slot.least:
                    fact = f"{child.local} stands where {_names(slot)} must"
                    self.add("unexpected_element", child, None, None, fact, _ORDER, kind, tuple(slot.elements), element)
                    return
                place += 1
                count = 0
            else:
                fact = f"{child.local} may not stand here"
                self.add("unexpected_element", child, None, None, fact, _LEAVE_OUT, kind, (), element)
                return
            count += 1
            if count == slot.most:
                place += 1
                count = 0
            accepts = declaration.accepts
            if accepts is None or child.attributes or child.children or not accepts(child.text):
                self.element(child, declaration)
        for slot in slots[place:]:
            if count < slot.least:
                fact = f"{element.local} lacks {_names(slot)}"
                self.add("missing_element", element, None, None, fact, "give it", kind, tuple(slot.elements))
                return
            count = 0


_NO_CHILDREN = ("an element stands where only text may", "leave it out")
_NO_TEXT = ("text stands where only elements may", "leave it out")
_ABSTRACT = ("its type is abstract", "name a type made from it by xsi:type")
_LEAVE_OUT = "leave it out, or check its spelling and place"
_ORDER = "give what is missing, in the schema's order"
_OTHER_TYPE = "leave xsi:type out, or name a type made from the element's own"
_OTHER_NAME = "give each its own"


def _names(slot: Slot) -> str:
    return " or ".join(local_name(tag) for tag in slot.elements)
