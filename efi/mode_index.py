"""The modes of one system description, made quick to look up: the session asks for each state and each allocation."""

import math
from typing import NamedTuple, Self
from weakref import WeakValueDictionary

from efi.control_space import AnyDescription
from efi.demand_driven import DemandDrivenMode
from efi.output_adjustable import OutputAdjustableMode, OutputAdjustableSystemDescription
from efi.refusal import listed, refuse
from efi.running_mode import ModeGraph, Transition
from efi.storage import StorageMode

AnyMode = StorageMode | OutputAdjustableMode | DemandDrivenMode
"""A running mode of any category."""


class KnownMode(NamedTuple):
    """What the session asks of a mode."""

    continuous: bool
    """Whether a factor must be told with it."""
    abnormal_condition_only: bool
    """Whether it is kept for emergencies of the grid."""
    lower: float
    """The lowest fill level at which it can run."""
    upper: float
    """The highest fill level at which it can run."""

    @classmethod
    def of(cls, mode: AnyMode) -> Self:
        """What is known of a mode."""
        lower, upper = -math.inf, math.inf
        if isinstance(mode, StorageMode):
            lower, upper = mode.elements[0].fill_level_range.lower, mode.elements[-1].fill_level_range.upper
        return cls(mode.continuous, mode.abnormal_condition_only, lower, upper)


class ActuatorModes:
    """What one actuator can do, by name."""

    __slots__ = ("__weakref__", "_transitions", "graph", "modes", "timers")

    def __init__(self, graph: ModeGraph, modes: tuple[AnyMode, ...]) -> None:
        self.graph = graph
        self.modes = {mode.mode_id: KnownMode.of(mode) for mode in modes}
        self.timers = frozenset(timer.timer_id for timer in graph.timers)
        self._transitions: dict[tuple[str, str], Transition] | None = None

    @property
    def transitions(self) -> dict[tuple[str, str], Transition]:
        """The ways by the modes that they join; found when the first allocation asks."""
        if self._transitions is None:
            self._transitions = {(way.from_mode, way.to_mode): way for way in self.graph.transitions}
        return self._transitions

    def refuse_mode(self, mode_id: str, factor: float | None, path: str) -> None:
        """Refuse a mode that does not exist, and a factor that is missing or too much; for those who found one such."""
        known = self.modes.get(mode_id)
        if known is None:
            refuse(
                "unknown_mode",
                f"{path}mode_id",
                mode_id,
                "the description has no such mode",
                f"name one of: {listed(self.modes)}",
            )
        if known.continuous and factor is None:
            refuse(
                "factor_missing",
                f"{path}factor",
                factor,
                f"mode '{mode_id}' is a range",
                "tell where in it, from 0 to 1",
            )
        if not known.continuous and factor is not None:
            refuse("factor_unexpected", f"{path}factor", factor, f"mode '{mode_id}' is a point", "leave the factor out")


_IN_USE: WeakValueDictionary[int, ActuatorModes] = WeakValueDictionary()


def modes_of(graph: ModeGraph, modes: tuple[AnyMode, ...]) -> ActuatorModes:
    """What an actuator can do; one and the same for all appliances that share its very description."""
    known = _IN_USE.get(id(graph))
    if known is None or known.graph is not graph:
        known = _IN_USE[id(graph)] = ActuatorModes(graph, modes)
    return known


class ModeIndex:
    """The modes of all actuators of a description; an appliance that names no actuator is found under None."""

    __slots__ = ("actuators", "description")

    def __init__(self, description: AnyDescription) -> None:
        self.description = description
        self.actuators: dict[str | None, ActuatorModes]
        if isinstance(description, OutputAdjustableSystemDescription):
            self.actuators = {None: modes_of(description, description.modes)}
        else:
            self.actuators = {
                actuator.actuator_id: modes_of(actuator, actuator.modes) for actuator in description.actuators
            }

    def refuse_actuator(self, actuator_id: str, path: str) -> ActuatorModes:
        """Refuse an actuator that the description does not have."""
        refuse(
            "unknown_actuator",
            f"{path}actuator_id",
            actuator_id,
            "the description has no such actuator",
            f"name one of: {listed(self.actuators)}",
        )
