"""What weighs on the gateway because of an instance that runs all the same."""

from dataclasses import dataclass

from efpi_core.event_kinds import EventKind

OVER = "it takes no more than its share again"
"""When a strain is over."""


@dataclass(frozen=True, slots=True)
class Strain:
    """One that floods, or takes more than its budget; shown as the instance's condition, and told once."""

    kind: EventKind
    text: str

    @property
    def cure(self) -> str:
        """What to do about it."""
        return self.kind.cure
