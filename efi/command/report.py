"""What a command tells of documents: sentences for people, or one JSON value for programs."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from efi.command.reading import Reading
from efi.command.sources import UnreadableError
from efi.conversion import Leniency, Loss
from efi.errors import shown
from efi.refusal import Refusal


def plain(text: str) -> str:
    """The text with every character replaced that a terminal might obey."""
    return text if text.isprintable() else "".join(mark if mark.isprintable() else "\ufffd" for mark in text)


def refusal_lines(reading: Reading) -> Iterator[str]:
    """What is wrong with a document, one sentence a line."""
    for refusal in reading.refusals:
        yield plain(f"{reading.document.place}: [{refusal.rule}] {refusal.sentence}")


def doubt_lines(reading: Reading) -> Iterator[str]:
    """Why nothing can be made of a valid document, one sentence a line."""
    for doubt in reading.doubts:
        yield plain(f"{reading.document.place}: warning [{doubt.rule}] {doubt.sentence}")


def leniency_lines(reading: Reading) -> Iterator[str]:
    """What was forgiven, one line a kind: the first place where it stood, and how often."""
    often = Counter(leniency.name for leniency in reading.leniencies)
    first: dict[str, Leniency] = {}
    for leniency in reading.leniencies:
        first.setdefault(leniency.name, leniency)
    for name, leniency in first.items():
        more = f" (and {often[name] - 1} more)" if often[name] > 1 else ""
        yield plain(f"{reading.document.place}: warning [{name}] {leniency.sentence}{more}")


def loss_lines(reading: Reading) -> Iterator[str]:
    """What the interface cannot carry of a document, one sentence a line."""
    yield from (plain(f"{reading.document.place}: lost: {said}") for said in told_losses(reading.losses))


def told_losses(losses: Iterable[Loss]) -> list[str]:
    """What is lost, for people: of what is lost in many places of a list alike the first, and how many more."""
    alike: dict[tuple[str, str], list[Loss]] = {}
    for loss in {each.sentence: each for each in losses}.values():
        alike.setdefault((_PLACE.sub("*", loss.path), loss.reason), []).append(loss)
    return [f"{of[0].sentence} (and {len(of) - 1} more)" if len(of) > 1 else of[0].sentence for of in alike.values()]


_PLACE = re.compile(r"(?<=\.)[0-9]+(?=\.|$)|\[[0-9]+\]")


def alias_lines(reading: Reading) -> Iterator[str]:
    """Which names are written differently, one a line."""
    for alias in reading.aliases:
        yield plain(f"{reading.document.place}: name: {alias.sentence}")


def reading_facts(reading: Reading) -> dict[str, Any]:
    """All that is known of a document, as JSON."""
    return {
        "place": reading.document.place,
        "form": reading.form or None,
        "message": reading.name or None,
        "valid": reading.valid,
        "refusals": [_refusal_facts(each) for each in reading.refusals],
        "doubts": [_refusal_facts(each) for each in reading.doubts],
        "leniencies": [
            {"name": each.name, "path": each.path, "value": str(each.value), "reading": each.reading}
            for each in reading.leniencies
        ],
        "losses": [
            {"path": each.path, "value": value_shown(each.value), "reason": each.reason} for each in reading.losses
        ],
        "aliases": [{"path": each.path, "name": each.name, "written": each.written} for each in reading.aliases],
    }


def _refusal_facts(refusal: Refusal) -> dict[str, Any]:
    value = None if refusal.value is None else str(refusal.value)
    return {"rule": refusal.rule, "path": refusal.path, "value": value, "fact": refusal.fact, "cure": refusal.cure}


def value_shown(value: Any) -> str | None:
    """A value as text that can be read, cut to a bearable length."""
    return None if value is None else value if isinstance(value, str) and value.isprintable() else shown(value)


class JsonReport:
    """One JSON value on standard output, written while the documents are read."""

    def __init__(self, key: str) -> None:
        sys.stdout.write(f'{{"{key}": [')
        self._separator = ""

    def add(self, facts: dict[str, Any]) -> None:
        """Tell of one document."""
        sys.stdout.write(f"{self._separator}\n  {json.dumps(facts)}")
        self._separator = ","

    def close(self, unreadable: Sequence[UnreadableError], **facts: Any) -> None:
        """End it, with what could not be read and what holds of all."""
        told = {
            "unreadable": [{"file": each.name, "fact": each.fact, "cure": each.cure} for each in unreadable],
            **facts,
        }
        sys.stdout.write(f"\n], {json.dumps(told)[1:]}\n")
