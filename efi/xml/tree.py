"""The tree of a document: elements with their attributes, text and children."""

BLANKS = " \t\r\n"
"""The characters that XML counts as white space."""


class Element:
    """One element. Names are `namespace}local`, or only `local` where there is no namespace."""

    __slots__ = ("attributes", "children", "line", "scope", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str] | None = None, line: int = 0) -> None:
        self.tag = tag
        self.attributes: dict[str, str] = {} if attributes is None else attributes
        """By name, in the document's order."""
        self.children: list[Element] = []
        """In the document's order."""
        self.text = ""
        """The characters directly within; blanks beside child elements are left out."""
        self.line = line
        """Where it begins in the document; 0 where it was not read from one."""
        self.scope: dict[str, str] | None = None
        """The prefixes in force, kept only where an attribute's value may name one (xsi:type)."""

    @property
    def local(self) -> str:
        """The name without its namespace."""
        return local_name(self.tag)

    @property
    def namespace(self) -> str:
        """The namespace of the name, or nothing."""
        return self.tag.rpartition("}")[0]


def local_name(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]


def trimmed(text: str) -> str:
    """A text without the blanks around it, which most types pass over."""
    return text.strip(BLANKS)


def children_of(element: Element) -> dict[str, Element]:
    """The children by name, where each stands once."""
    return {child.tag: child for child in element.children}


def path_of(root: Element, wanted: Element, attribute: str | None = None) -> str:
    """Where an element or an attribute stands: `StorageStatus/actuatorStatuses/actuatorStatus[2]/@actuatorId`.

    A number counts the elements of one name beneath one parent, and is left out where there is only one.
    """
    return path_by(parents_of(root), wanted, attribute)


def path_by(parents: dict[int, Element], wanted: Element, attribute: str | None = None) -> str:
    """The same by the parents of a tree that stays as it is, for whoever asks often."""
    steps = [] if attribute is None else [f"@{local_name(attribute)}"]
    element = wanted
    while (parent := parents.get(id(element))) is not None:
        alike = [child for child in parent.children if child.tag == element.tag]
        number = next(place for place, child in enumerate(alike, 1) if child is element)
        steps.append(element.local if len(alike) == 1 else f"{element.local}[{number}]")
        element = parent
    return "/".join(reversed([*steps, element.local]))


def parents_of(root: Element) -> dict[int, Element]:
    """The parent of every element beneath a root, by the element's identity."""
    parents: dict[int, Element] = {}
    waiting = [root]
    while waiting:
        element = waiting.pop()
        for child in element.children:
            parents[id(child)] = element
        waiting += element.children
    return parents
