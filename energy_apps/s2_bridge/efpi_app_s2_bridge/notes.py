"""What is worth a line in the log about what is said of one appliance, each thing once."""

from efi.refusal import Refusal
from efi.s2.mapping.translation import Translation
from efi.s2.newest import newest_mark
from efi.s2.outcome import NotDelivered
from efpi_core.plugin.context import Context

MOST_NOTES = 100
"""So many different things are noted of one appliance."""


class Notes:
    """Notes each kind of thing when it first comes, in whatever conversation, so that no peer fills the log."""

    def __init__(self, context: Context, about: str) -> None:
        self._context = context
        self._about = about
        self._noted: set[tuple[str, ...]] = set()

    def declined(self, what: str, refusal: Refusal) -> None:
        """A message of the energy manager was refused."""
        if self._first("declined", what, refusal.rule):
            self._context.log.warning(f"{self._about}: the energy manager's {what} is refused: {refusal.sentence}")

    def warned(self, refusal: Refusal) -> None:
        """Something was not right, and did no harm."""
        if self._first("warned", refusal.rule):
            self._context.log.info(f"{self._about}: the energy manager: {refusal.sentence}")

    def not_delivered(self, event: NotDelivered) -> None:
        """The energy manager did not take a message of ours, or does not say whether it did."""
        if event.status is None and newest_mark(event.message) is not None:
            return  # a newer one may have taken its place before it was read
        what = event.message.message_type
        answer = f"answers {event.status.value}" if event.status is not None else "does not answer"
        if self._first("not_delivered", what, answer):
            said = f": {event.reason}" if event.status is not None and event.reason else ""
            self._context.log.warning(f"{self._about}: the energy manager {answer} to {what}{said}")

    def unsaid(self, what: str, refusal: Refusal) -> None:
        """A message of ours could not be said."""
        if self._first("unsaid", what, refusal.rule):
            self._context.log.debug(f"{self._about}: {what} is not said: {refusal.sentence}")

    def translated(self, translation: Translation) -> None:
        """What could not be carried over, was forgiven, or was not right."""
        for loss in translation.losses:
            if self._first("loss", loss.reason):
                self._context.log.info(f"{self._about}: S2 does not carry {loss.sentence}")
        for leniency in translation.leniencies:
            if self._first("leniency", leniency.name):
                self._context.log.info(f"{self._about}: forgiven: {leniency.sentence}")
        for warning in translation.warnings:
            self.warned(warning)

    def _first(self, *what: str) -> bool:
        if what in self._noted or len(self._noted) >= MOST_NOTES:
            return False
        self._noted.add(what)
        return True
