"""Running modes, their transitions, timers and states as S2's."""

from collections.abc import Iterable, Sequence
from typing import Any

from efi.commodity import Commodity, CommodityQuantity, PowerRange
from efi.conversion import LossKind
from efi.running_mode import ModeBehaviour, ModeGraph, ModeState
from efi.s2.common import Commodity as S2Commodity
from efi.s2.common import Timer, Transition
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.quantities import S2_COMMODITIES
from efi.s2.mapping.write.costs import cost
from efi.s2.mapping.write.values import milliseconds
from efi.s2.mapping.written_names import WrittenNames, mode_of, timer_of

_DESCRIPTIONS = (
    "storage_system_description",
    "output_adjustable_system_description",
    "demand_driven_system_description",
)

MOST_MODES = 100
"""How many modes an actuator may have in S2."""

LATER_MODES = LossKind(
    _DESCRIPTIONS, "*.modes", f"an actuator has at most {MOST_MODES} modes in S2; the later ones are left out"
)
FINE_COST = LossKind(_DESCRIPTIONS, "*.transitions.*.cost", "S2 tells costs as floating-point numbers; it is rounded")
NO_POWER = LossKind(
    _DESCRIPTIONS,
    "*.power",
    "S2 wants a power of every commodity that an actuator supports in each of its modes; what is not told is told as 0",
)
NO_HYDROGEN = LossKind(
    _DESCRIPTIONS, "*.commodities", "S2 has no such commodity among those of an actuator; its powers are told"
)


def kept_modes(modes: Sequence[Any], path: str, notes: Notes) -> Sequence[Any]:
    """The modes that S2 has room for."""
    if len(modes) > MOST_MODES:
        notes.lost(LATER_MODES, f"{path}modes", f"{len(modes)} modes")
    return modes[:MOST_MODES]


def is_mirrored(behaviours: Iterable[ModeBehaviour]) -> bool:
    """Whether a mode is told with its factor running the other way.

    Many peers want ranges that rise; a mode is turned round where a power falls along the factor and none rises.
    """
    rising = falling = False
    for behaviour in behaviours:
        for power in behaviour.power:
            rising = rising or power.start < power.end
            falling = falling or power.start > power.end
    return falling and not rising


class Mirrors:
    """The modes that are told with their factors turned round."""

    def __init__(self) -> None:
        self._turned: set[tuple[str | None, str]] = set()

    def look_at(
        self, actuator_id: str | None, mode_id: str, behaviours: Iterable[ModeBehaviour], path: str, notes: Notes
    ) -> bool:
        """Whether a mode is turned round, which is remembered and told."""
        key = (actuator_id, mode_id)
        if not is_mirrored(behaviours):
            self._turned.discard(key)
            return False
        self._turned.add(key)
        notes.alias(f"{path}mode_id", "factor", "1 - factor")
        return True

    def turned(self, actuator_id: str | None, mode_id: str) -> bool:
        """Whether a mode was told turned round."""
        return (actuator_id, mode_id) in self._turned

    def clear(self) -> None:
        """The appliance registers anew."""
        self._turned.clear()


def factor_of(factor: float | None, mirrored: bool) -> float:
    """A factor in S2, where every mode has one; 1 for a mode that is a point."""
    if factor is None:
        return 1.0
    return 1.0 - factor if mirrored else factor


class Powers:
    """The powers that every mode of an actuator has to tell, so that each tells of the same commodities."""

    def __init__(self, behaviours: Iterable[ModeBehaviour]) -> None:
        told: dict[Commodity, CommodityQuantity] = {}
        for behaviour in behaviours:
            for power in behaviour.power:
                told.setdefault(power.quantity.commodity, power.quantity)
        if not any(commodity in S2_COMMODITIES for commodity in told):
            told[Commodity.ELECTRICITY] = CommodityQuantity.ELECTRIC_POWER
        self._wanted = {commodity: quantity for commodity, quantity in told.items() if commodity in S2_COMMODITIES}
        self._all = told

    def commodities(self, path: str, notes: Notes) -> tuple[S2Commodity, ...]:
        """The commodities that the modes tell of, as far as S2 knows them."""
        for commodity in self._all:
            if commodity not in S2_COMMODITIES:
                notes.lost(NO_HYDROGEN, f"{path}commodities", commodity.value)
        return tuple(S2_COMMODITIES[commodity] for commodity in self._wanted)

    def completed(self, powers: tuple[PowerRange, ...], path: str, notes: Notes) -> tuple[PowerRange, ...]:
        """The powers of one behaviour, with 0 for what it does not tell."""
        told = {power.quantity.commodity for power in powers}
        missing = [quantity for commodity, quantity in self._wanted.items() if commodity not in told]
        if not missing:
            return powers
        notes.lost(NO_POWER, f"{path}power", f"without {', '.join(missing)}")
        return (*powers, *(PowerRange(quantity=quantity, start=0.0, end=0.0) for quantity in missing))


def graph(
    graph: ModeGraph, actuator_id: str | None, kept: Iterable[str], names: WrittenNames, path: str, notes: Notes
) -> dict[str, Any]:
    """The transitions among the modes that are kept, and the timers."""
    modes, timers, known = mode_of(actuator_id), timer_of(actuator_id), frozenset(kept)
    transitions = []
    for place, way in enumerate(graph.transitions):
        if way.from_mode not in known or way.to_mode not in known:
            continue
        here = f"{path}transitions.{place}."
        transitions.append(
            Transition(
                id=names.write(f"transition/{actuator_id or ''}", f"{way.from_mode}/{way.to_mode}"),
                from_=names.write(modes, way.from_mode),
                to=names.write(modes, way.to_mode),
                start_timers=tuple(names.write(timers, timer) for timer in way.start_timers),
                blocking_timers=tuple(names.write(timers, timer) for timer in way.blocking_timers),
                transition_costs=cost(way.cost, f"{here}cost", FINE_COST, notes) if way.cost else None,
                transition_duration=milliseconds(way.duration, f"{here}duration", notes) if way.duration else None,
                abnormal_condition_only=way.abnormal_condition_only,
            )
        )
    return {
        "transitions": tuple(transitions),
        "timers": tuple(
            Timer(
                id=names.write(timers, timer.timer_id),
                diagnostic_label=timer.label or None,
                duration=milliseconds(timer.duration, f"{path}timers.{place}.duration", notes),
            )
            for place, timer in enumerate(graph.timers)
        ),
    }


def mode_status(state: ModeState, actuator_id: str | None, mirrored: bool, names: WrittenNames) -> dict[str, Any]:
    """The mode that runs."""
    modes = mode_of(actuator_id)
    fields: dict[str, Any] = {
        "active_operation_mode_id": names.write(modes, state.mode_id),
        "operation_mode_factor": factor_of(state.factor, mirrored),
    }
    if state.previous_mode_id is not None:
        fields["previous_operation_mode_id"] = names.write(modes, state.previous_mode_id)
    if state.transition_started_at is not None:
        fields["transition_timestamp"] = state.transition_started_at
    return fields
