"""From a tree to a document: XML 1.0 in UTF-8, one prefix for elements and attributes alike."""

import re

from efi.xml.tree import Element

PREFIX = "efi"

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

UNSAYABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that no XML document can hold."""

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_QUOTED_ESCAPES = _ESCAPES | str.maketrans({'"': "&quot;", "\t": "&#9;", "\n": "&#10;"})


def render(root: Element) -> str:
    """The document of a tree whose names are all of the root's namespace; one element a line."""
    lines: list[str] = []
    _write(root, f' xmlns:{PREFIX}="{root.namespace}"', "", lines)
    return f"{DECLARATION}{''.join(lines)}"


def _write(element: Element, declared: str, indent: str, lines: list[str]) -> None:
    name = f"{PREFIX}:{element.local}"
    attributes = "".join(
        f' {PREFIX}:{tag.rpartition("}")[2]}="{value.translate(_QUOTED_ESCAPES)}"'
        for tag, value in element.attributes.items()
    )
    if not element.children:
        text = UNSAYABLE.sub("\ufffd", element.text).translate(_ESCAPES)
        content = f">{text}</{name}>" if text else "/>"
        lines.append(f"{indent}<{name}{declared}{attributes}{content}\n")
        return
    lines.append(f"{indent}<{name}{declared}{attributes}>\n")
    for child in element.children:
        _write(child, "", f"{indent}  ", lines)
    lines.append(f"{indent}</{name}>\n")
