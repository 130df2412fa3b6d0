"""The frames of a call: a person asks for one of a plugin's operations, and hears what comes of it."""

from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue


@dataclass(slots=True)
class Operate:
    """A person asks for one of the plugin's operations; answered by `Answered`, after any number of `Told`."""

    call: int
    """Names this call in what follows."""
    operation: str
    fields: dict[str, JsonValue]
    by: str
    deadline_s: float
    op: Literal["operate"] = "operate"


@dataclass(slots=True)
class GiveUp:
    """Nobody waits for the answer of this call any more: cancel it."""

    call: int
    op: Literal["give_up"] = "give_up"


@dataclass(slots=True)
class Told:
    """How far a call has come, in a sentence."""

    call: int
    text: str
    op: Literal["told"] = "told"


@dataclass(slots=True)
class Refusal:
    """Why a call came to nothing, as one of the errors of `efpi_core.errors`."""

    error: Literal["refused", "settings", "try_again", "failed"]
    problem: str
    cure: str = ""
    path: str = ""
    """The field that is wrong, where one is."""


@dataclass(slots=True)
class Answered:
    """What came of a call: its output, or why there is none."""

    call: int
    output: dict[str, JsonValue] | None = None
    refusal: Refusal | None = None
    op: Literal["answered"] = "answered"
