"""Whatever a device says, the translator answers, and what it says in the interface is taken by every session."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efi.s2.codec import dump, parse
from efi.s2.common import ControlType
from efi.s2.mapping.device_side import CONTROLS, DeviceSide
from efi.s2.mapping.settings import DeviceSettings
from efi.s2.profile import Profile
from efi.session import Session
from tests.efi.s2.mapping.house import NOON, new_id
from tests.efi.s2.mapping.linked import Linker, names_of

WORDS = {
    ControlType.FILL_RATE_BASED_CONTROL: "FRBC",
    ControlType.OPERATION_MODE_BASED_CONTROL: "OMBC",
    ControlType.DEMAND_DRIVEN_BASED_CONTROL: "DDBC",
    ControlType.POWER_ENVELOPE_BASED_CONTROL: "PEBC",
    ControlType.POWER_PROFILE_BASED_CONTROL: "PPBC",
    ControlType.NOT_CONTROLABLE: "",
}


@pytest.mark.slow
@pytest.mark.parametrize("control_type", CONTROLS)
@pytest.mark.parametrize("profile", Profile)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_device_is_understood_as_far_as_it_makes_sense(
    control_type: ControlType, profile: Profile, data: st.DataObject
) -> None:
    linker = Linker(data.draw, profile)
    now = NOON
    side = DeviceSide("device", profile=profile, new_id=new_id, settings=DeviceSettings())
    gateway = Session("device", new_id=new_id)

    def passes(translation: object) -> None:
        for message in translation.to_efi:  # type: ignore[attr-defined]  # it is a translation
            verdict = gateway.from_appliance(message, now)
            assert verdict.refusal is None, (message, verdict.refusal)
        for told in translation.to_s2:  # type: ignore[attr-defined]  # it is a translation
            assert parse(dump(told), profile) == told

    def says(name: str) -> None:
        message = parse(json.dumps(linker.document(name)), profile)
        passes(side.hear(message, now))

    says("ResourceManagerDetails")
    passes(side.select(control_type, now))
    names = names_of(WORDS[control_type], profile)
    first = [name for name in names if name.endswith(("SystemDescription", "Definition", "Constraints"))]
    said = data.draw(st.lists(st.sampled_from(names), max_size=6))
    for name in (*first[: data.draw(st.integers(0, 1))], *said):
        says(name)
        if data.draw(st.integers(0, 3)) == 0:
            now += data.draw(st.timedeltas(timedelta(0), timedelta(days=40000)))
            passes(side.wake(now))
    passes(side.end(now, "it is over"))
