"""The site's revisions as kept on disk, and the last file that was taken."""

import json
import zlib

from pydantic import JsonValue

from efpi_core.event_kinds import SITE_NOT_CONFIRMED
from efpi_core.site.revisions import ImportRecord, Origin, Revision, Verdict, in_force, text_digest
from efpi_core.state.keeper import Keeper
from efpi_core.state.records import kept_document, kept_revision, revision_row, with_verdict
from efpi_core.state.table import DOCUMENT, NOTE, REVISION


class SiteRecords(Keeper):
    """Every revision with who, when and why. A document is written once; what became of it is another row."""

    def revisions(self) -> tuple[Revision, ...]:
        """All revisions of the site, oldest first."""
        return tuple(sorted(self._readable(REVISION, kept_revision), key=lambda revision: revision.number))

    def revision_in_force(self) -> Revision | None:
        """The newest confirmed revision, or None before the first."""
        return in_force(self.revisions())

    def revision_document(self, number: int) -> tuple[str, JsonValue] | None:
        """A revision's text and the data that it was read to; reads the disk, so a running gateway asks in a thread."""
        return kept_document(self._database.fetch(DOCUMENT, number))

    def add_revision(
        self, text: str, data: JsonValue, *, by: str, why: str, origin: Origin, verdict: Verdict, source: str = ""
    ) -> Revision:
        """Keep a new revision."""
        number = max((revision.number for revision in self.revisions()), default=0) + 1
        revision = Revision(number, self._clock.now(), by, why, origin, verdict, text_digest(text), source)
        packed = zlib.compress(json.dumps(data, separators=(",", ":")).encode())
        self._database.put(DOCUMENT, (number, zlib.compress(text.encode()), packed))
        self._database.put(REVISION, revision_row(revision), durable=True)
        return revision

    def judge_revision(self, number: int, verdict: Verdict, note: str = "") -> Revision:
        """Keep what became of a revision: from here on it is in force, or it never will be."""
        revision = next(revision for revision in self.revisions() if revision.number == number)
        judged = with_verdict(revision, verdict, note)
        self._database.put(REVISION, revision_row(judged), durable=True)
        return judged

    def _reject_lost(self) -> None:
        """A revision whose text was lost with a damaged file cannot be in force; the one before can."""
        for revision in self.revisions():
            if revision.verdict is Verdict.CONFIRMED and self.revision_document(revision.number) is None:
                self.judge_revision(revision.number, Verdict.REJECTED, "its text was lost with a damaged database")

    def _hold_document_in_force(self) -> None:
        """Keep the document in force in memory, so that a file that is damaged later can be written anew with it."""
        current = self.revision_in_force()
        row = None if current is None else self._database.fetch(DOCUMENT, current.number)
        if row is not None:
            self._database.rows[DOCUMENT][row[:1]] = row

    def _reject_unconfirmed(self) -> None:
        """A change of the site that was being watched when the gateway ended did not prove itself."""
        for revision in self.revisions():
            if revision.verdict is Verdict.CANDIDATE:
                self.judge_revision(revision.number, Verdict.REJECTED, "the gateway ended before it was confirmed")
                text = f"revision {revision.number} by {revision.by} was not confirmed when the gateway ended"
                self._tell(SITE_NOT_CONFIRMED, "site", text)

    def last_import(self) -> ImportRecord | None:
        """When a file was last taken."""
        kept = self._note("import")
        try:
            return None if kept is None else ImportRecord(**json.loads(kept))
        except (ValueError, TypeError, RecursionError):
            return None

    def set_last_import(self, record: ImportRecord) -> None:
        """Keep that a file was taken."""
        value = json.dumps({"path": record.path, "digest": record.digest, "revision": record.revision})
        self._database.put(NOTE, ("import", value), durable=True)
