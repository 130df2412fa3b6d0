"""Whatever a device says in S2 can be said in S2 again from what was understood, but for what is told as lost."""

import json
import math
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from efi.s2.codec import dump, parse
from efi.s2.common import ControlType
from efi.s2.conversation import SelectControlType
from efi.s2.mapping.cem_side import CemSide
from efi.s2.mapping.device_side import DeviceSide
from efi.s2.mapping.names import is_uuid
from efi.s2.profile import Profile
from tests.efi.s2.mapping.house import NOON, details, new_id
from tests.efi.s2.mapping.linked import OF_CONTROL, Linker

PROFILE = Profile.V1

TYPES = {
    "FRBC": ControlType.FILL_RATE_BASED_CONTROL,
    "OMBC": ControlType.OPERATION_MODE_BASED_CONTROL,
    "DDBC": ControlType.DEMAND_DRIVEN_BASED_CONTROL,
    "PEBC": ControlType.POWER_ENVELOPE_BASED_CONTROL,
    "PPBC": ControlType.POWER_PROFILE_BASED_CONTROL,
}


@pytest.mark.slow
@pytest.mark.parametrize("control", TYPES)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_every_device_can_be_told_again(control: str, data: st.DataObject) -> None:
    control_type = TYPES[control]
    device = DeviceSide("device", profile=PROFILE, new_id=new_id)
    manager = CemSide("device", profile=PROFILE, new_id=new_id)
    manager.begin(PROFILE, NOON)
    linker = Linker(data.draw, PROFILE, always_sane=True)
    device.hear(details(control_type), NOON)
    chosen = device.select(control_type, NOON)
    for message in chosen.to_efi:
        manager.tell(message, NOON)  # type: ignore[arg-type]  # an appliance's words
    for kind in OF_CONTROL[control]:
        document = linker.document(f"{control}.{kind}")
        heard = device.hear(parse(json.dumps(document), PROFILE), NOON)
        if heard.refusal is not None:
            note(heard.refusal.sentence)
            continue
        again, lost = [], [loss.path for loss in heard.losses] + [each.path for each in heard.leniencies]
        for message in heard.to_efi:
            told = manager.tell(message, NOON)  # type: ignore[arg-type]  # as above
            again += told.to_s2
            if manager.control_type is not control_type and control_type in manager.offered:
                again += manager.hear(SelectControlType(message_id=new_id(), control_type=control_type), NOON).to_s2
        same = [json.loads(dump(each)) for each in again if each.message_type == document["message_type"]]
        if not same:
            # What holds only later, what no description fits yet, and what is as it was, is told another time.
            assert not heard.to_efi or kind in ("ActuatorStatus", "TimerStatus", "Status"), document
            continue
        _compare(json.loads(dump(parse(json.dumps(document), PROFILE))), same[-1], "", lost)


IGNORED = {"message_id", "supported_commodities", "supported_commodites"}


def _compare(one: Any, other: Any, path: str, lost: list[str]) -> None:
    if path == "operation_mode_factor" and {one, other} == {0, 1}:
        return  # of a mode that is a point, where it is said to be makes no difference
    if path.rpartition(".")[2] in IGNORED or any(_covers(each, path) for each in lost):
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key, value in one.items():
            if key != "Id" and key not in other and value in (None, "", 0, False):
                continue
            _compare(value, other.get(key), f"{path}.{key}" if path else key, lost)
    elif isinstance(one, list) and isinstance(other, list):
        if path == "allowed_limit_ranges":
            one, other = (sorted(each, key=lambda part: json.dumps(part, sort_keys=True)) for each in (one, other))
            assert all(any(_alike(each, there) for there in other) for each in one), (path, one, other)
            return
        assert len(other) >= len(one) or any(loss.startswith(path) for loss in lost), (path, one, other)
        for place, (here, there) in enumerate(zip(one, other, strict=False)):
            _compare(here, there, f"{path}.{place}", lost)
    elif not (isinstance(one, str) and isinstance(other, str) and is_uuid(other) and not is_uuid(one)):
        assert _alike(one, other), (path, one, other, lost)  # a name that is no UUID is written as one


def _covers(loss: str, path: str) -> bool:
    """Whether a loss is of this place, or shifts the list in which it is."""
    if loss.startswith(path) and path.rpartition(".")[2] in ("elements", "transitions", "power_ranges"):
        return True
    pattern, places = loss.split("."), path.split(".")
    return len(pattern) <= len(places) and all(
        here in ("*", there) for here, there in zip(pattern, places, strict=False)
    )


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(one, str) and isinstance(other, str) and one[:4].isdigit() and one[4:5] == "-":
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    return bool(one == other)
