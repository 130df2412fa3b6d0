"""Captured bytes from a file or a pipe, as they come."""

import codecs
import os
from collections.abc import Iterator

_CHUNK = 65_536
_UTF8_MARK = codecs.BOM_UTF8
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def chunks(descriptor: int) -> Iterator[bytes]:
    """The bytes behind a file descriptor, each piece as soon as it is there."""
    while chunk := os.read(descriptor, _CHUNK):
        yield chunk


def without_marks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The meter's bytes, where an editor or a shell has saved them as text: PowerShell's `>` writes UTF-16."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= len(_UTF8_MARK):
            break
    if not head.startswith(_UTF16_MARKS):
        yield head.removeprefix(_UTF8_MARK)
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    yield decoder.decode(head).encode("latin-1", "replace")
    for piece in pieces:
        yield decoder.decode(piece).encode("latin-1", "replace")
