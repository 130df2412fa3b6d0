"""From an XSD file to the form in which documents are checked; it knows what EFI's schemas use and refuses the rest."""

import re
from collections.abc import Iterator

from efi.xml.schema.builtin import BUILTIN, XSD
from efi.xml.schema.definition import AnyType, Attribute, ComplexType, Declaration, Schema, SimpleType, Slot
from efi.xml.tree import Element

_PLAIN_PATTERN = re.compile(r"\[[A-Za-z0-9:_\\-]+\]\{[0-9]+,[0-9]+\}")
"""The patterns that mean the same to XML Schema and to Python."""

_SILENT = {f"{XSD}}}annotation"}


class UnknownConstructError(ValueError):
    """A schema uses what this compiler does not know."""


def compile_schema(root: Element) -> Schema:
    """The schema that an XSD document defines; both its elements and attributes are qualified."""
    return _Compiler(root).schema()


class _Compiler:
    def __init__(self, root: Element) -> None:
        if {root.attributes.get(form) for form in ("elementFormDefault", "attributeFormDefault")} != {"qualified"}:
            raise UnknownConstructError("the elements and attributes of a schema must be qualified")
        self._root = root
        self._namespace = root.attributes["targetNamespace"]
        self._sources = {
            part.attributes["name"]: part for part in root.children if part.local in ("complexType", "simpleType")
        }
        self._types: dict[str, AnyType] = {}

    def schema(self) -> Schema:
        elements = [self._declaration(part) for part in _parts(self._root) if part.local == "element"]
        for name in self._sources:
            self._named(name)
        return Schema(self._namespace, {each.tag: each for each in elements}, {**BUILTIN, **self._types})

    def _tag(self, name: str) -> str:
        return f"{self._namespace}}}{name}"

    def _resolve(self, reference: str) -> AnyType:
        """The type of that name: `efi:Timer`, or XML Schema's where it bears no prefix."""
        prefix, _, name = reference.rpartition(":")
        return self._named(name) if prefix else BUILTIN[f"{XSD}}}{name}"]

    def _named(self, name: str) -> AnyType:
        tag = self._tag(name)
        if tag not in self._types:
            self._types[tag] = self._type(self._sources[name], tag)
        return self._types[tag]

    def _type(self, source: Element, tag: str) -> AnyType:
        return self._complex(source, tag) if source.local == "complexType" else self._simple(source, tag)

    def _declaration(self, source: Element) -> Declaration:
        attributes = source.attributes
        if attributes.keys() - {"name", "type", "minOccurs", "maxOccurs", "fixed"}:
            raise UnknownConstructError(f"element {attributes['name']}: {sorted(attributes)}")
        kind = self._resolve(attributes["type"]) if "type" in attributes else self._type(_only(source), "")
        fixed = attributes.get("fixed")
        accepts = None
        if isinstance(kind, SimpleType) and fixed is None and kind is not BUILTIN[f"{XSD}}}ID"]:
            accepts = kind.accepts
        return Declaration(self._tag(attributes["name"]), kind, fixed, accepts)

    # Simple types ----------------------------------------------------------------------------------------------------

    def _simple(self, source: Element, tag: str) -> SimpleType:
        restriction = _only(source, "restriction")
        base = self._resolve(restriction.attributes["base"])
        if not isinstance(base, SimpleType):
            raise UnknownConstructError(f"{tag} narrows what is no simple type")
        facets = [(facet.local, facet.attributes["value"]) for facet in restriction.children]
        kinds = {kind for kind, _ in facets}
        if kinds == {"enumeration"} and base is BUILTIN[f"{XSD}}}string"]:
            values = tuple(value for _, value in facets)
            fact = f"it is none of {', '.join(values[:30])}{'' if len(values) <= 30 else ', …'}"
            return SimpleType(
                tag, base, frozenset(values).__contains__, "not_listed", fact, "write one of those", values
            )
        if kinds == {"pattern"} and len(facets) == 1 and _PLAIN_PATTERN.fullmatch(facets[0][1]):
            fact = f"it does not fit the pattern {facets[0][1]}"
            accepts = re.compile(facets[0][1]).fullmatch
            return SimpleType(tag, base, accepts, "pattern_mismatch", fact, "write it in that pattern")
        if kinds == {"minInclusive", "maxInclusive"} and base is BUILTIN[f"{XSD}}}double"]:
            least, most = (float(dict(facets)[bound]) for bound in ("minInclusive", "maxInclusive"))
            return _bounded(tag, base, least, most)
        raise UnknownConstructError(f"{tag}: {sorted(kinds)}")

    # Complex types ---------------------------------------------------------------------------------------------------

    def _complex(self, source: Element, tag: str) -> ComplexType:
        abstract = source.attributes.get("abstract") == "true"
        inner = next((part for part in _parts(source) if part.local in ("complexContent", "simpleContent")), None)
        if inner is None:
            return self._assembled(tag, None, abstract, source, inherited=None)
        derivation = _only(inner)
        base = self._resolve(derivation.attributes["base"])
        if inner.local == "simpleContent":
            if not isinstance(base, SimpleType) or derivation.local != "extension":
                raise UnknownConstructError(f"{tag}: simple content")
            attributes = self._attributes(derivation)
            return ComplexType(tag, base, abstract, attributes, _required(attributes), (), base)
        if not isinstance(base, ComplexType):
            raise UnknownConstructError(f"{tag} makes complex content of a simple type")
        return self._assembled(tag, base, abstract, derivation, base if derivation.local == "extension" else None)

    def _assembled(
        self, tag: str, base: ComplexType | None, abstract: bool, source: Element, inherited: ComplexType | None
    ) -> ComplexType:
        attributes = {**(inherited.attributes if inherited else {}), **self._attributes(source)}
        slots = (*(inherited.slots if inherited else ()), *self._slots(source))
        return ComplexType(tag, base, abstract, attributes, _required(attributes), slots)

    def _attributes(self, source: Element) -> dict[str, Attribute]:
        found = {}
        for part in _parts(source):
            if part.local != "attribute":
                continue
            facts = part.attributes
            kind = self._resolve(facts["type"])
            if not isinstance(kind, SimpleType) or facts.keys() - {"name", "type", "use", "fixed", "default"}:
                raise UnknownConstructError(f"attribute {facts['name']}")
            tag = self._tag(facts["name"])
            required = facts.get("use") == "required"
            found[tag] = Attribute(tag, kind, required, facts.get("fixed"), facts.get("default"))
        return found

    def _slots(self, source: Element) -> Iterator[Slot]:
        for part in _parts(source):
            if part.local == "sequence" and _once(part):
                yield from self._sequence(part)
            elif part.local == "choice":
                yield self._slot(part, _parts(part))
            elif part.local != "attribute":
                raise UnknownConstructError(f"{part.local} in {source.attributes}")

    def _sequence(self, source: Element) -> Iterator[Slot]:
        for part in _parts(source):
            if part.local not in ("element", "choice"):
                raise UnknownConstructError(f"{part.local} in a sequence")
            yield self._slot(part, _parts(part) if part.local == "choice" else iter((part,)))

    def _slot(self, counted: Element, chosen: Iterator[Element]) -> Slot:
        sources = tuple(chosen)
        if any(source.local != "element" or (source is not counted and not _once(source)) for source in sources):
            raise UnknownConstructError("a choice holds what is not a single element")
        elements = [self._declaration(source) for source in sources]
        least, most = _occurrences(counted)
        return Slot({each.tag: each for each in elements}, least, most)


def _bounded(tag: str, base: SimpleType, least: float, most: float) -> SimpleType:
    def accepts(text: str) -> bool:
        return base.accepts(text) is not None and "I" not in text and least <= float(text) <= most

    fact = f"it is not a number from {least:g} to {most:g}"
    return SimpleType(tag, base, accepts, "out_of_bounds", fact, "write one within")


def _parts(source: Element) -> Iterator[Element]:
    return (part for part in source.children if part.tag not in _SILENT)


def _only(source: Element, local: str | None = None) -> Element:
    parts = tuple(_parts(source))
    if len(parts) != 1 or (local is not None and parts[0].local != local):
        raise UnknownConstructError(f"{source.local} holds {[part.local for part in parts]}")
    return parts[0]


def _occurrences(source: Element) -> tuple[int, int | None]:
    most = source.attributes.get("maxOccurs", "1")
    return int(source.attributes.get("minOccurs", "1")), None if most == "unbounded" else int(most)


def _once(source: Element) -> bool:
    return _occurrences(source) == (1, 1)


def _required(attributes: dict[str, Attribute]) -> tuple[str, ...]:
    return tuple(tag for tag, attribute in attributes.items() if attribute.required)
