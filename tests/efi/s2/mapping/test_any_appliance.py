"""Whatever an appliance says arrives at the other end of an S2 session, but for what is told as lost.

The appliance is told in S2 by one translator and understood again by the other.
"""

import json
import math
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from efi.commodity import CommodityQuantity
from efi.conversion import Alias, Loss
from efi.messages import ApplianceMessage
from efi.s2.codec import dump, parse
from efi.s2.common import ControlType
from efi.s2.content import check_content
from efi.s2.conversation import SelectControlType
from efi.s2.mapping.cem_side import CemSide
from efi.s2.mapping.device_side import DeviceSide
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.write.modes import Mirrors
from efi.s2.mapping.written_names import ACTUATOR, STEP, mode_of, timer_of, way_of
from efi.s2.profile import Profile
from efi.session import Session
from efi.time_shiftable import TimeShiftableUpdate
from tests.efi.s2.mapping.appliances import (
    demand_drivens,
    inflexibles,
    output_adjustables,
    storages,
    time_shiftables,
)
from tests.efi.s2.mapping.house import NOON, new_id

APPLIANCES = {
    ControlType.FILL_RATE_BASED_CONTROL: storages(),
    ControlType.OPERATION_MODE_BASED_CONTROL: output_adjustables(),
    ControlType.DEMAND_DRIVEN_BASED_CONTROL: demand_drivens(),
    ControlType.POWER_ENVELOPE_BASED_CONTROL: inflexibles(),
    ControlType.POWER_PROFILE_BASED_CONTROL: time_shiftables(),
}


class Line:
    """The two translators, with a session at the far end."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.near = CemSide("appliance", profile=profile, new_id=new_id)
        self.far = DeviceSide("appliance", profile=profile, new_id=new_id)
        self.session = Session("appliance", new_id=new_id)
        self.losses: dict[str, list[Loss]] = {}
        self.aliases: dict[str, list[Alias]] = {}

    def carry(self, translation: Any, of: str = "") -> None:
        """Carry what the one says to the other."""
        self.losses.setdefault(of, []).extend(translation.losses)
        self.aliases.setdefault(of, []).extend(translation.aliases)
        for said in translation.to_s2:
            assert parse(dump(said), self.profile) == said
            check_content(said)
            heard = self.far.hear(said, NOON)
            # Costs beyond 1e12 are no money here, though S2 can tell them.
            assume(heard.refusal is None or heard.refusal.rule != "decimal_whole_digits")
            assert heard.refusal is None, (said, heard.refusal)
            assert not heard.warnings
            self.losses.setdefault("reading", []).extend(heard.losses)
            for message in heard.to_efi:
                verdict = self.session.from_appliance(message, NOON)  # type: ignore[arg-type]  # an appliance's words
                assert verdict.refusal is None, (message, verdict.refusal)

    def select(self, control_type: ControlType) -> None:
        selection = self.far.select(control_type, NOON)
        for message in selection.to_efi:
            assert self.session.from_appliance(message, NOON).refusal is None  # type: ignore[arg-type]  # as above
        for selected in selection.to_s2:
            assert isinstance(selected, SelectControlType)
            told = self.near.hear(selected, NOON)
            assert told.refusal is None, told.refusal
            self.carry(told)


@pytest.mark.slow
@pytest.mark.parametrize("control_type", APPLIANCES)
@pytest.mark.parametrize("profile", Profile)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_appliance_arrives_but_for_what_is_told_as_lost(
    control_type: ControlType, profile: Profile, data: st.DataObject
) -> None:
    messages: list[ApplianceMessage] = data.draw(APPLIANCES[control_type])
    line, session = Line(profile), Session("appliance", new_id=new_id)
    line.carry(line.near.begin(profile, NOON))
    for message in messages:
        if session.from_appliance(message, NOON).refusal is not None:
            continue
        line.carry(line.near.tell(message, NOON), message.type)
        if line.near.control_type is not control_type and control_type in line.near.offered:
            line.select(control_type)
    if line.near.control_type is ControlType.NO_SELECTION:
        line.select(ControlType.NOT_CONTROLABLE)
    here, there = _by_type(session), _by_type(line.session)
    for kind, message in here.items():
        if kind.endswith("_registration") or any(loss.path == "" for loss in line.losses.get(kind, ())):
            continue
        assert kind in there or _nothing_told(kind, message), kind
        if kind in there:
            _compare(message, there[kind], line, kind)


def _by_type(session: Session) -> dict[str, Any]:
    return {message.type: message for message in session.space.messages()}


def _nothing_told(kind: str, message: Any) -> bool:
    """Counters alone, and what belongs to curtailment where none is on offer, are told in no message."""
    return (kind == "measurement" and not message.values) or kind.startswith("inflexible_")


# Comparing ------------------------------------------------------------------------------------------------------------


def _compare(here: Any, there: Any, line: Line, kind: str) -> None:
    losses = [loss.path for loss in line.losses.get(kind, ())] + [loss.path for loss in line.losses[""]]
    if any(loss.path == "operation_mode_factor" for loss in line.losses.get("reading", ())):
        # Where a factor moves nothing but costs, S2 knows of a point.
        losses += ("factor", *(f"actuators.{place}.factor" for place in range(9)))
    note(f"{kind}: {losses}")
    turned = [alias.path.rpartition(".mode_id")[0] for alias in line.aliases.get(kind, ()) + line.aliases[""]]
    one, other = (
        dict(_flat(_expected(here, turned, line.near._mirrors))),
        dict(_flat(json.loads(there.model_dump_json()))),
    )
    if isinstance(here, TimeShiftableUpdate):
        _compare_times(here, there)
    # What S2 wants beside, as the opposite of a limit, comes after what was said.
    known = {path for path in other if not path.startswith("options.") or int(path.split(".")[1]) < len(here.options)}
    for path in sorted({*one, *known}):
        if path.split(".")[-1] in IGNORED or _is_lost(path, losses):
            continue
        if path.endswith(".starts_at") and one.get(path) is None:
            continue  # it was reckoned from how long the step has run
        if one.get(path) in (None, "", 0, False) and other.get(path) in (None, "", 0, False):
            continue
        assert _same(one.get(path), other.get(path)), (path, one.get(path), other.get(path), losses)


def _compare_times(here: TimeShiftableUpdate, there: TimeShiftableUpdate) -> None:
    assert here.earliest_start == there.earliest_start
    for step, other in zip(here.sequences, there.sequences, strict=True):
        for way, other_way in zip(step.alternatives, other.alternatives, strict=True):
            pause = step.longest_interval_before(way.alternative_id)
            arrived = other.longest_interval_before(other_way.alternative_id)
            assert (pause is None) == (arrived is None)
            if pause is not None and arrived is not None:
                assert abs(pause - arrived) <= timedelta(milliseconds=1)


IGNORED = {"message_id", "timestamp", "appliance_id", "valid_from", "type", "start_after", "maximum_interval_before"}
"""The header differs; when work may start, and the pauses within it, are compared by what they mean."""


def _is_lost(path: str, losses: list[str]) -> bool:
    if any(path == loss or path.startswith(f"{loss}.") for loss in losses):
        return True
    for loss in losses:
        # What is cut into steps, or told with what it does not tell itself, differs as a list.
        owner, _, last = loss.rpartition(".")
        if last in ("at_upper", "rate_at_upper") and path.startswith(owner.rpartition(".")[0]):
            return True
        if last in ("energy_cost", "running_cost") and path.startswith(f"{owner}.running_cost".lstrip(".")):
            return True
        if last == "minimum_duration" and path.startswith(loss):
            return True
    return False


def _same(one: Any, other: Any) -> bool:
    if one == other:
        return True
    one, other = _number(one), _number(other)
    if isinstance(one, int | float) and isinstance(other, int | float) and not isinstance(one, bool):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)


def _number(value: Any) -> Any:
    """Money is written as text."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _flat(part: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield from _flat(value, f"{path}.{key}" if path else key)
    elif isinstance(part, list):
        for place, value in enumerate(part):
            yield from _flat(value, f"{path}.{place}" if path else str(place))
    else:
        yield path, part


def _expected(message: Any, turned: list[str], mirrors: Mirrors) -> Any:
    """The message as it must arrive: names as UUIDs, the total of an unknown split on L1, ranges turned round."""
    document = json.loads(message.model_dump_json())
    _walk(document, "", None, turned, mirrors)
    return document


def _walk(part: Any, path: str, actuator: str | None, turned: list[str], mirrors: Mirrors) -> None:
    if isinstance(part, list):
        for place, each in enumerate(part):
            _walk(each, f"{path}.{place}" if path else str(place), actuator, turned, mirrors)
    elif isinstance(part, dict):
        actuator = part.get("actuator_id", actuator)
        step = part.get("sequence_id")
        if bounds := part.get("running_cost_bounds"):
            middle = sum(map(Decimal, bounds.values())) / 2
            part["running_cost"] = part.get("running_cost") or dict.fromkeys(("start", "end"), float(middle))
            if len(set(map(Decimal, bounds.values()))) == 1:
                part["running_cost_bounds"] = None
        if part.get("factor") is not None and mirrors.turned(actuator, part["mode_id"]):
            part["factor"] = 1 - part["factor"]
        for key in part:
            value = part[key]
            if key == "quantity" and value == CommodityQuantity.ELECTRIC_POWER:
                part[key] = CommodityQuantity.ELECTRIC_POWER_L1.value
            elif key in _SCOPES and value is not None:
                scope = _SCOPES[key](actuator)
                part[key] = [_uuid(scope, each) for each in value] if isinstance(value, list) else _uuid(scope, value)
            elif key == "alternatives":
                for way in value:
                    way["alternative_id"] = _uuid(way_of(step or ""), way["alternative_id"])
                _walk(value, f"{path}.{key}", actuator, turned, mirrors)
            elif key == "alternative_id" and value is not None and step is not None:
                part[key] = _uuid(way_of(step), value)
            else:
                _walk(value, f"{path}.{key}" if path else key, actuator, turned, mirrors)
        of_turned = any(path.startswith(f"{mode}.") or path == mode for mode in turned)
        if of_turned and {"start", "end"} <= part.keys() and "_cost" not in path:
            part["start"], part["end"] = part["end"], part["start"]
        if "sequence_id" in part:
            part["sequence_id"] = _uuid(STEP, part["sequence_id"])
        if "actuator_id" in part:
            part["actuator_id"] = _uuid(ACTUATOR, part["actuator_id"])


_SCOPES = {
    "mode_id": mode_of,
    "from_mode": mode_of,
    "to_mode": mode_of,
    "previous_mode_id": mode_of,
    "timer_id": timer_of,
    "start_timers": timer_of,
    "blocking_timers": timer_of,
}


def _uuid(scope: str, name: str) -> str:
    plain = uuid_of(name)
    return plain if plain == name else uuid_of(f"{scope}/{name}")
