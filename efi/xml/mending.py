"""Leniency: a document that is not as its schema asks is mended where a named leniency says how, and nowhere else."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from efi.conversion import Leniency, LeniencyKind
from efi.xml.schema.definition import Schema, SimpleType
from efi.xml.schema.validator import MOST_FAULTS, Fault, validate
from efi.xml.tree import Element, trimmed

MOST_PASSES = 16
"""How often a document is looked at again: a mended element may hold what needs mending, too."""

MOST_MENDED = 20_000
"""How many faults are mended at a time."""

MOST_TOLD = 100
"""How many leniencies of one document are told one by one."""

Mend = Callable[[], None]
"""Changes the tree so that a fault is gone."""


def _leave() -> None:
    """Change nothing: the fault is passed over."""


WAIVE: Mend = _leave
"""The mending of a fault that does no harm."""


@dataclass(frozen=True, slots=True)
class Mender:
    """One leniency: which faults it answers, and how."""

    kind: LeniencyKind
    """Its name and reading, for people."""
    rules: frozenset[str]
    """The faults that it may answer, by their rule."""
    answer: Callable[[Fault], Mend | None]
    """How to mend a fault; None where the leniency does not cover it."""


def replaced(fault: Fault, text: str) -> Mend | None:
    """The change of a wrong text or value to another that its type accepts; None where it does not."""
    if not isinstance(fault.type, SimpleType) or text == fault.value or not fault.type.accepts(text):
        return None

    def change() -> None:
        if fault.attribute is None:
            fault.element.text = text
        else:
            fault.element.attributes[fault.attribute] = text

    return change


def padded(fault: Fault) -> Mend | None:
    """Leave out blanks around a text."""
    return replaced(fault, trimmed(fault.value or ""))


def finished(fault: Fault) -> Mend | None:
    """Give a number or length of time the digits that it lacks, as libxml2 does: `1e`, `PT1.S`, `PT.5S`."""
    text = re.sub(r"([eE][+-]?)(?=[ \t\r\n]*$)", r"\g<1>0", fault.value or "")
    text = re.sub(r"(?<=[HMT])\.(?=[0-9])", "0.", re.sub(r"(?<=[0-9])\.S", ".0S", text))
    return replaced(fault, text)


UNTOLD = LeniencyKind(
    "more_of_these", "the same leniencies again and again, beyond the hundred that are told", "read as the others"
)


def mend(root: Element, schema: Schema, menders: Iterable[Mender]) -> tuple[list[Fault], list[Leniency]]:
    """Mend a tree in place as far as leniencies go; the faults that remain, and what was forgiven."""
    menders = tuple(menders)
    told: list[Leniency] = []
    untold = 0
    waived: set[tuple[str, int, str | None]] = set()
    faults: list[Fault] = []
    for _ in range(MOST_PASSES):
        found = validate(root, schema, MOST_MENDED)
        faults = [fault for fault in found if _place(fault) not in waived]
        mends = [(fault, *answer) for fault in faults if (answer := _answer(fault, menders)) is not None]
        if not mends:
            break
        for fault, kind, _mend in mends:
            if len(told) < MOST_TOLD:
                refusal = fault.refusal(root)
                told.append(kind.at(refusal.path, fault.element.local if fault.value is None else refusal.value))
            else:
                untold += 1
        for fault, _kind, change in mends:
            if change is WAIVE:
                waived.add(_place(fault))
            change()
    return faults[:MOST_FAULTS], [*told, *([UNTOLD.at(root.local, untold)] if untold else [])]


def _answer(fault: Fault, menders: tuple[Mender, ...]) -> tuple[LeniencyKind, Mend] | None:
    for mender in menders:
        if fault.rule in mender.rules and (change := mender.answer(fault)) is not None:
            return mender.kind, change
    return None


def _place(fault: Fault) -> tuple[str, int, str | None]:
    return fault.rule, id(fault.element), fault.attribute
