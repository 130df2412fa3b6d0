"""What the doctor found: one thing looked at, how it stands in the words of health, and the cure."""

from dataclasses import asdict, dataclass
from typing import Any

from efpi_core.plugin.condition import ConditionState


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked at; states and details are those of `efpi_core.health_words`."""

    what: str
    state: ConditionState
    detail: str
    text: str
    cure: str = ""

    @property
    def ill(self) -> bool:
        """Whether something does not work, or may not when it is needed."""
        return self.state is not ConditionState.OK

    @property
    def mark(self) -> str:
        """One word for people: what is well and has a cure nevertheless is worth a note."""
        return "note" if not self.ill and self.cure else self.state.value

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def well(what: str, text: str) -> Found:
    """As it should be."""
    return Found(what, ConditionState.OK, "", text)


def note(what: str, detail: str, text: str, cure: str) -> Found:
    """Worth knowing."""
    return Found(what, ConditionState.OK, detail, text, cure)


def ill(what: str, detail: str, text: str, cure: str, state: ConditionState = ConditionState.DEGRADED) -> Found:
    """Does not work."""
    return Found(what, state, detail, text, cure)
