"""Whatever an energy manager says, the translator answers, and each instruction comes to one end at most."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efi.messages import ApplianceMessage
from efi.s2.codec import dump, parse
from efi.s2.common import ControlType
from efi.s2.conversation import InstructionStatus, InstructionStatusUpdate, SelectControlType
from efi.s2.mapping.cem_side import CemSide
from efi.s2.profile import Profile
from efi.session import Session
from tests.efi.s2.mapping.house import NOON, new_id
from tests.efi.s2.mapping.linked import Linker
from tests.efi.s2.mapping.test_any_appliance import APPLIANCES

INSTRUCTIONS = {
    ControlType.FILL_RATE_BASED_CONTROL: ("FRBC.Instruction",),
    ControlType.OPERATION_MODE_BASED_CONTROL: ("OMBC.Instruction",),
    ControlType.DEMAND_DRIVEN_BASED_CONTROL: ("DDBC.Instruction",),
    ControlType.POWER_ENVELOPE_BASED_CONTROL: ("PEBC.Instruction",),
    ControlType.POWER_PROFILE_BASED_CONTROL: (
        "PPBC.ScheduleInstruction",
        "PPBC.StartInterruptionInstruction",
        "PPBC.EndInterruptionInstruction",
    ),
}


class Home:
    """An appliance that does as it likes, its session, and the translator."""

    def __init__(self, draw: st.DrawFn, control_type: ControlType) -> None:
        self.draw = draw
        self.now = NOON
        self.linker = Linker(draw, Profile.BETA)
        self.side = CemSide("appliance", profile=Profile.BETA, new_id=new_id)
        self.session = Session("appliance", new_id=new_id)
        self.statuses: dict[str, list[InstructionStatus]] = {}
        self.take(self.side.begin(Profile.BETA, self.now))
        messages: list[ApplianceMessage] = draw(APPLIANCES[control_type])
        for message in messages:
            self.appliance_says(message)
        self.take(self.side.hear(SelectControlType(message_id=new_id(), control_type=control_type), self.now))

    def appliance_says(self, message: ApplianceMessage) -> None:
        for told in self.session.from_appliance(message, self.now).to_app:
            self.take(self.side.tell(told, self.now))

    def manager_says(self, name: str) -> None:
        document = self.linker.document(name)
        if "id" in document:
            document["id"] = new_id()
            self.linker.gave(document["id"])
        self.take(self.side.hear(parse(json.dumps(document), Profile.BETA), self.now))

    def take(self, translation: Any) -> None:
        for told in translation.to_s2:
            assert parse(dump(told), Profile.BETA) == told
            if isinstance(told, InstructionStatusUpdate):
                self.statuses.setdefault(told.instruction_id, []).append(told.status_type)
            self.linker.learn(json.loads(dump(told)))
        for asked in translation.to_efi:
            verdict = self.session.from_app(asked, self.now)
            for answer in verdict.to_app:
                self.take(self.side.tell(answer, self.now))

    def answer(self) -> None:
        for name, opened in tuple(self.session.allocations.items()):
            possible = [status for status in AllocationStatus if status.may_follow(opened.status)]
            self.appliance_says(
                AllocationStatusUpdate(
                    message_id=new_id(),
                    appliance_id="appliance",
                    timestamp=self.now,
                    allocation_id=name,
                    status=self.draw(st.sampled_from(possible)),
                )
            )


@pytest.mark.slow
@pytest.mark.parametrize("control_type", APPLIANCES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_manager_is_understood_as_far_as_it_makes_sense(control_type: ControlType, data: st.DataObject) -> None:
    home = Home(data.draw, control_type)
    for _ in range(data.draw(st.integers(1, 5))):
        home.manager_says(data.draw(st.sampled_from((*INSTRUCTIONS[control_type], "RevokeObject"))))
        if data.draw(st.booleans()):
            home.answer()
        home.now += data.draw(st.timedeltas(timedelta(0), timedelta(days=2)))
        home.take(home.side.wake(home.now))
    home.take(home.side.end(home.now, "it is over"))
    for told in home.statuses.values():
        ranks = [_RANKS[status] for status in told]
        assert ranks == sorted(set(ranks)), "statuses rise, and there is one end"
        assert max(Counter(told).values()) == 1


_RANKS = {
    status: 3 if status.final else place
    for place, status in enumerate(
        (
            InstructionStatus.NEW,
            InstructionStatus.ACCEPTED,
            InstructionStatus.STARTED,
            InstructionStatus.REJECTED,
            InstructionStatus.REVOKED,
            InstructionStatus.SUCCEEDED,
            InstructionStatus.ABORTED,
        )
    )
}
