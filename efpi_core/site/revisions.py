"""Revisions of the site: each one kept with who, when and why, and the rule by which a file becomes one."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from efpi_core.errors import RefusedError


class Origin(StrEnum):
    """Where a revision came from."""

    IMPORT = "import"
    """The file that the gateway was started with."""
    APPLY = "apply"
    """A person or a program changed the running gateway."""
    ROLLBACK = "rollback"
    """An older revision's text, taken again."""


class Verdict(StrEnum):
    """What became of a revision."""

    CANDIDATE = "candidate"
    """Applied, and watched."""
    CONFIRMED = "confirmed"
    """It held. The newest confirmed revision is in force."""
    REJECTED = "rejected"
    """It did not hold, or was never confirmed; the one before is in force."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision, without its text."""

    number: int
    """Counts from 1."""
    at: datetime
    by: str
    """Who: a person, or a program's name."""
    why: str
    origin: Origin
    verdict: Verdict
    digest: str
    """SHA-256 of the text, in hexadecimal."""
    source: str = ""
    """The file's path, or the number of the revision whose text it is."""
    note: str = ""
    """Why it was rejected."""


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """The last time that a file was taken."""

    path: str
    digest: str
    revision: int
    """The revision that it became, or that it equalled."""


class ImportDecision(StrEnum):
    """What to do with a file given at the start."""

    KEEP = "keep"
    """It brings nothing new; the revision in force stays."""
    TAKE = "take"
    """It becomes the next revision."""
    SAME = "same"
    """It equals the revision in force; only remember that it was seen."""


def text_digest(text: str) -> str:
    """The mark by which texts are told apart."""
    return hashlib.sha256(text.encode()).hexdigest()


def in_force(revisions: tuple[Revision, ...]) -> Revision | None:
    """The newest confirmed revision, or None when there is none yet."""
    confirmed = [revision for revision in revisions if revision.verdict is Verdict.CONFIRMED]
    return max(confirmed, key=lambda revision: revision.number, default=None)


def decide_import(path: str, text: str, last: ImportRecord | None, current: Revision | None) -> ImportDecision:
    """Whether a file given at the start is taken.

    Raises RefusedError when both the file and the gateway's site changed since the file was last taken.
    """
    digest = text_digest(text)
    if current is None:
        return ImportDecision.TAKE
    if digest == current.digest:
        return ImportDecision.KEEP if last is not None and last.digest == digest else ImportDecision.SAME
    if last is not None and digest == last.digest:
        return ImportDecision.KEEP
    if last is not None and current.number == last.revision:
        return ImportDecision.TAKE
    raise RefusedError(
        f"the site was changed on the gateway (revision {current.number} by {current.by}) and in {path}",
        f"keep the gateway's: start without --site, then `efpi site show > {path}`; "
        f"or keep the file's: start without --site, then `efpi site apply {path}`",
    )
