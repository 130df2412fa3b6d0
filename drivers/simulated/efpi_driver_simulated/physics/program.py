"""A washing machine or dishwasher: a program of sequences that may wait, and some of which may be interrupted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal

from efpi_driver_simulated.physics.piecewise import Piecewise, Refused

MachineStage = Literal["empty", "waiting", "running", "paused"]


@dataclass(frozen=True, slots=True)
class Step:
    """A length of time with one average power."""

    seconds: float
    power_w: float


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps that belong together; the machine may rest before a sequence for at most `gap_s`."""

    name: str
    steps: tuple[Step, ...]
    gap_s: float = inf
    """Longest rest between the sequence before and this one, s (the first may wait until the deadline allows)."""
    pause_s: float = 0.0
    """Longest interruption once begun, s; zero where the water would cool or the laundry crease."""

    @property
    def seconds(self) -> float:
        """Running time, s."""
        return sum(step.seconds for step in self.steps)

    @property
    def energy_j(self) -> float:
        """Energy of all steps, J."""
        return sum(step.seconds * step.power_w for step in self.steps)


@dataclass(frozen=True, slots=True)
class Program:
    """What the resident chooses on the machine's front."""

    name: str
    sequences: tuple[Sequence, ...]

    @property
    def seconds(self) -> float:
        """Running time without rests, s."""
        return sum(sequence.seconds for sequence in self.sequences)


_MARKS = {
    "since": 0.0,
    "deadline": inf,
    "must_start_at": inf,
    "ended_at": -inf,
    "_step_from": 0.0,
    "_done_s": 0.0,
    "_pause_ends": inf,
}
"""The instants and spans of a machine, and what stands for one that is not there."""


class Machine(Piecewise):
    """A machine that runs a loaded program in time for its deadline, whoever starts the sequences."""

    __slots__ = ("_done_s", "_pause_ends", "_step", "_step_from", "deadline", "ended_at", "finished", "must_start_at",
                 "position", "program", "stage", "standby_w")  # fmt: skip

    def __init__(self, t: float, standby_w: float = 0.5) -> None:
        super().__init__(t)
        self.standby_w = standby_w
        self.program: Program | None = None
        self.deadline = inf
        self.stage: MachineStage = "empty"
        self.position = 0
        """Number of sequences that are finished."""
        self.finished = 0
        """Number of programs finished since the start."""
        self.must_start_at = inf
        """Latest start of the next sequence: then the machine starts it by itself, s."""
        self.ended_at = -inf
        """End of the sequence before, s."""
        self._step = 0
        self._step_from = t
        self._done_s = 0.0
        self._pause_ends = inf
        self._plan()

    @property
    def sequence(self) -> Sequence | None:
        """The sequence that runs, is paused, or comes next; None when nothing is loaded."""
        return None if self.program is None else self.program.sequences[self.position]

    def snapshot(self) -> dict[str, str | float | None]:
        """What a machine needs to go on from here; infinite instants are None."""
        marks = {name: getattr(self, name) for name in _MARKS}
        return {
            "program": None if self.program is None else self.program.name,
            "stage": self.stage,
            "position": self.position,
            "step": self._step,
            **{name: mark if isfinite(mark) else None for name, mark in marks.items()},
        }

    @classmethod
    def recalled(
        cls, kept: Mapping[str, object], programs: Iterable[Program], t: float, standby_w: float
    ) -> "Machine | None":
        """The machine as it has gone on by itself since a snapshot; None for what is none of one with such programs.

        A clock that was set back meanwhile takes all instants along.
        """
        program = next((each for each in programs if each.name == kept.get("program")), None)
        since, stage, position, step = (kept.get(name) for name in ("since", "stage", "position", "step"))
        if program is None or not isinstance(since, int | float) or stage not in ("waiting", "running", "paused"):
            return None
        if not isinstance(position, int) or not 0 <= position < len(program.sequences):
            return None
        if not isinstance(step, int) or not 0 <= step < len(program.sequences[position].steps):
            return None
        back_s = min(t - since, 0.0)
        machine = cls(since + back_s, standby_w)
        machine.program, machine.position, machine._step = program, position, step
        machine.stage = stage
        for name, never in _MARKS.items():
            mark = kept.get(name)
            moved_s = back_s if name != "_done_s" else 0.0
            setattr(machine, name, mark + moved_s if isinstance(mark, int | float) else never)
        machine._plan()
        machine.advance_to(max(t, machine.t))
        return machine

    def load(self, program: Program, deadline: float) -> None:
        """The resident fills the machine and asks for an end; raises Refused while another program is in it."""
        if self.program is not None:
            raise Refused(f"{self.program.name} is still in the machine", self.deadline)
        self._carry(self.t)
        self.program, self.deadline, self.position = program, deadline, 0
        self._wait()
        self._plan()

    def unload(self) -> None:
        """The resident empties the machine before its program starts; raises Refused once it runs."""
        if self.position or self.stage in ("running", "paused"):
            raise Refused("the program runs already", self.deadline)
        self._carry(self.t)
        self._clear()
        self._plan()

    def start(self) -> None:
        """Start the next sequence, or go on after an interruption; raises Refused when nothing waits."""
        if self.stage not in ("waiting", "paused"):
            raise Refused("nothing waits to be started")
        self._carry(self.t)
        self._begin()
        self._plan()

    def pause(self) -> None:
        """Interrupt the running sequence; raises Refused where that is not possible."""
        sequence = self.sequence
        if sequence is None or self.stage != "running":
            raise Refused("nothing runs that could be interrupted")
        if sequence.pause_s <= 0.0:
            raise Refused(f"{sequence.name} cannot be interrupted")
        self._carry(self.t)
        self._done_s = self.since - self._step_from
        self.stage = "paused"
        self._pause_ends = min(self.since + sequence.pause_s, self._latest_continuation())
        self._plan()

    def remaining_s(self) -> float:
        """Running time still ahead, without rests, s."""
        if self.program is None:
            return 0.0
        ahead = sum(sequence.seconds for sequence in self.program.sequences[self.position + 1 :])
        return ahead + self._rest_of_sequence_s()

    def _rest_of_sequence_s(self) -> float:
        sequence = self.sequence
        if sequence is None:
            return 0.0
        if self.stage == "waiting":
            return sequence.seconds
        done_s = self._done_s if self.stage == "paused" else self.t - self._step_from
        return sum(step.seconds for step in sequence.steps[self._step :]) - done_s

    def _latest_continuation(self) -> float:
        return self.deadline - self.remaining_s()

    def _wait(self) -> None:
        self.stage = "waiting"
        self._step, self._done_s = 0, 0.0
        sequence = self.sequence
        gap_end = self.ended_at + sequence.gap_s if sequence is not None and self.position else inf
        self.must_start_at = max(self.since, min(self._latest_continuation(), gap_end))

    def _begin(self) -> None:
        self.stage = "running"
        self._step_from = self.since - self._done_s
        self._done_s = 0.0
        self.must_start_at = self._pause_ends = inf

    def _clear(self) -> None:
        self.program, self.stage, self.position = None, "empty", 0
        self.deadline = self.must_start_at = inf

    def _move(self, t: float) -> None:
        """Nothing but the place in the program, which follows from the start of the step."""

    def _plan(self) -> None:
        if (self.stage == "waiting" and self.since >= self.must_start_at) or (
            self.stage == "paused" and self.since >= self._pause_ends
        ):
            self._begin()
        elif self.stage == "running":
            self._follow()
        self.power_w = self.standby_w
        self.until = {"waiting": self.must_start_at, "paused": self._pause_ends}.get(self.stage, inf)
        sequence = self.sequence
        if self.stage == "running" and sequence is not None:
            step = sequence.steps[self._step]
            self.power_w = step.power_w
            self.until = self._step_from + step.seconds

    def _follow(self) -> None:
        """Go to the next step, sequence or end if the present step is over."""
        sequence = self.sequence
        if sequence is None or self.program is None:
            return
        if self.since < self._step_from + sequence.steps[self._step].seconds:
            return
        self._step_from += sequence.steps[self._step].seconds
        self._step += 1
        if self._step < len(sequence.steps):
            return
        self.ended_at = self.since
        self.position += 1
        if self.position < len(self.program.sequences):
            self._wait()
        else:
            self.finished += 1
            self._clear()
