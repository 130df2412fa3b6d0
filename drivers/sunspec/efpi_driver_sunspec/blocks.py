"""Which registers are read together: few requests, none longer than allowed, none across what cannot be read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from efpi_driver_sunspec.bus import MOST_READ

LARGEST_GAP = 24
"""Unwanted registers between two wanted parts that are cheaper read along than skipped by another request."""


@dataclass(frozen=True, slots=True)
class Part:
    """Registers from `start` up to `end` that belong together; they may be cut only at `cuts`."""

    start: int
    end: int
    cuts: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Registers."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Block:
    """One request: the parts it covers, and all between them."""

    parts: tuple[Part, ...]

    @property
    def start(self) -> int:
        """The first address."""
        return self.parts[0].start

    @property
    def size(self) -> int:
        """Registers."""
        return self.parts[-1].end - self.start


def cut(part: Part, most: int) -> tuple[Part, ...]:
    """The part in pieces of at most `most` registers, cut between values; a value that is longer stays whole."""
    pieces = []
    start = part.start
    while part.end - start > most:
        fitting = [at for at in part.cuts if start < at <= start + most]
        beyond = [at for at in part.cuts if at > start + most]
        at = fitting[-1] if fitting else beyond[0] if beyond else part.end
        pieces.append(Part(start, at, tuple(c for c in part.cuts if start < c < at)))
        start = at
    if start < part.end:
        pieces.append(Part(start, part.end, tuple(c for c in part.cuts if c > start)))
    return tuple(pieces)


def plan(parts: Iterable[Part], alone: frozenset[int] = frozenset(), most: int = MOST_READ) -> tuple[Block, ...]:
    """The requests that read all `parts`; one that starts at an address in `alone` is not joined with others."""
    blocks: list[list[Part]] = []
    pieces = [piece for part in parts for piece in cut(part, most)]
    for piece in sorted(pieces, key=lambda piece: piece.start):
        last = blocks[-1] if blocks else None
        if last is not None and _joins(last, piece, alone, most):
            last.append(piece)
        else:
            blocks.append([piece])
    return tuple(Block(tuple(block)) for block in blocks)


def _joins(block: Sequence[Part], part: Part, alone: frozenset[int], most: int) -> bool:
    if part.start in alone or block[-1].start in alone:
        return False
    return part.start - block[-1].end <= LARGEST_GAP and part.end - block[0].start <= most


def halves(part: Part) -> tuple[Part, Part] | None:
    """The part cut in two between values, near its middle; None when it is a single value."""
    inner = [at for at in part.cuts if part.start < at < part.end]
    if not inner:
        return None
    middle = min(inner, key=lambda at: abs(at - (part.start + part.end) / 2))
    low = Part(part.start, middle, tuple(at for at in inner if at < middle))
    return low, Part(middle, part.end, tuple(at for at in inner if at > middle))
