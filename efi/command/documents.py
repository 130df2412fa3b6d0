"""The documents in a file: XML, one or several; JSON, one value, a list of them, or one a line."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import chain, pairwise
from typing import Any, BinaryIO

from efi.command.sources import UnreadableError

LONGEST_DOCUMENT = 4 * 1024 * 1024
"""Bytes of one document, and of one line; a longer one is no message."""

LONGEST_XML_FILE = 64 * 1024 * 1024
"""Bytes of a file of XML documents."""


_UTF_8_MARK = b"\xef\xbb\xbf"


class Syntax(Enum):
    """How a document is written."""

    XML = "XML"
    JSON = "JSON"


@dataclass(frozen=True, slots=True)
class Document:
    """One message as it stands in a file."""

    place: str
    """Where it stands, for people: the file's name, with the line or number where it holds several."""
    syntax: Syntax
    """How it is written."""
    data: bytes
    """Its bytes."""


def documents(name: str, stream: BinaryIO) -> Iterator[Document]:
    """All documents of a file, read as they are asked for. Raises UnreadableError where one is too long."""
    before, start = _first_line(name, stream)
    if _begins_xml(start):
        yield from _xml_documents(name, before + start + _rest(name, stream, LONGEST_XML_FILE - len(start)))
        return
    start = start.removeprefix(_UTF_8_MARK)
    skipped = before.count(b"\n")
    if start.rstrip().endswith(b"}"):
        yield from _json_lines(name, chain((start,), _lines(name, stream)), skipped)
    else:
        yield from _json_values(name, start + _rest(name, stream, LONGEST_DOCUMENT - len(start)), skipped)


def _first_line(name: str, stream: BinaryIO) -> tuple[bytes, bytes]:
    """The blank lines at the beginning, and the line after them; no bytes where there is none."""
    blank = b""
    for line in _lines(name, stream):
        if line.strip():
            return blank, line
        blank += line
        if len(blank) > LONGEST_DOCUMENT:
            break
    return b"", b""


def _lines(name: str, stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(LONGEST_DOCUMENT + 1):
        if len(line) > LONGEST_DOCUMENT:
            raise UnreadableError(
                name, f"a line is longer than {LONGEST_DOCUMENT} bytes", "write one message a line, or one a file"
            )
        yield line


def _rest(name: str, stream: BinaryIO, most: int) -> bytes:
    rest = stream.read(most + 1)
    if len(rest) > most:
        raise UnreadableError(name, "the file is too long", "write one message a line, or one a file")
    return rest


# XML ------------------------------------------------------------------------------------------------------------------

_BYTE_ORDER_MARKS = {_UTF_8_MARK: "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}

_DECLARATION = re.compile(rb"<\?xml\s")


def _begins_xml(start: bytes) -> bool:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return start[len(mark) :].decode(encoding, "replace").lstrip().startswith("<")
    return start.lstrip().startswith((b"<", b"\x00<"))


def _xml_documents(name: str, data: bytes) -> Iterator[Document]:
    """One document, or several in a row, each of which begins with its declaration."""
    begins = [place for found in _DECLARATION.finditer(data) if _may_begin(data, place := found.start())]
    if len(begins) < 2 or data[: begins[0]].strip():
        yield Document(name, Syntax.XML, data)
        return
    for number, (begin, end) in enumerate(pairwise((*begins, len(data))), 1):
        yield Document(f"{name}#{number}", Syntax.XML, data[begin:end])


def _may_begin(data: bytes, place: int) -> bool:
    """Whether a document may begin there: at the beginning, or after the end of an element."""
    before = place - 1
    while before >= 0 and data[before] in b" \t\r\n":
        before -= 1
    return before < 0 or data[before : before + 1] == b">"


# JSON -----------------------------------------------------------------------------------------------------------------


def _json_lines(name: str, lines: Iterable[bytes], skipped: int) -> Iterator[Document]:
    for number, line in enumerate(lines, skipped + 1):
        if line.strip():
            yield Document(f"{name}:{number}", Syntax.JSON, line)


def _json_values(name: str, data: bytes, skipped: int) -> Iterator[Document]:
    """One value over several lines, or the values of one list; lines after all where only they are JSON."""
    values = _values(data)
    if values is None and any(_is_object(line) for line in data.splitlines()):
        yield from _json_lines(name, data.splitlines(), skipped)
    elif not values or len(values) == 1:
        yield Document(name, Syntax.JSON, data if not values else values[0])
    else:
        yield from (Document(f"{name}#{number}", Syntax.JSON, value) for number, value in enumerate(values, 1))


def _values(data: bytes) -> list[bytes] | None:
    """The value that the bytes are, or the values of the list that they are; None where they are no JSON."""
    whole = _parsed(data)
    if not isinstance(whole, list):
        return None if whole is None else [data]
    text = data.decode()
    values = []
    place = text.index("[") + 1
    for _ in whole:
        begin = _BETWEEN.match(text, place)
        start = place if begin is None else begin.end()
        _, place = _DECODER.raw_decode(text, start)
        values.append(text[start:place].encode())
    return values


_BETWEEN = re.compile(r"[,\s]*")
_DECODER = json.JSONDecoder()


def _is_object(line: bytes) -> bool:
    return line.lstrip().startswith(b"{") and isinstance(_parsed(line), dict)


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError):
        return None
