"""The S2 session: what may be said when, what is answered, and what ends it."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from efi.refusal import Refusal
from efi.s2.bad_frames import BadFrameLimits
from efi.s2.cem_session import CemSession
from efi.s2.codec import dump, parse
from efi.s2.common import ControlType
from efi.s2.conversation import (
    EnergyManagementRole,
    Handshake,
    HandshakeResponse,
    InstructionStatus,
    ReceptionStatus,
    ReceptionStatusValues,
    ResourceManagerDetails,
    RevokableObjects,
    SelectControlType,
    SessionRequest,
    SessionRequestType,
)
from efi.s2.ddbc import DDBCPresentDemandStatus
from efi.s2.deliveries import NIL_ID, DeliveryLimits
from efi.s2.messages import AnyS2Message
from efi.s2.outcome import (
    Agreed,
    ControlTypeChanged,
    Declined,
    Delivered,
    EndingKind,
    NotDelivered,
    Outcome,
    Received,
    Warned,
)
from efi.s2.profile import Profile
from efi.s2.rm_session import RmSession
from efi.s2.session import Session
from efi.s2.session_limits import SessionLimits
from tests.efi.s2 import messages_of_s2 as m

OK = ReceptionStatusValues.OK
INVALID_DATA = ReceptionStatusValues.INVALID_DATA
INVALID_MESSAGE = ReceptionStatusValues.INVALID_MESSAGE
INVALID_CONTENT = ReceptionStatusValues.INVALID_CONTENT
TEMPORARY_ERROR = ReceptionStatusValues.TEMPORARY_ERROR


def said(outcome: Outcome) -> list[str]:
    return [each.message_type for each in outcome.to_peer]


def answers(outcome: Outcome) -> list[ReceptionStatusValues]:
    return [each.status for each in outcome.to_peer if isinstance(each, ReceptionStatus)]


def warnings(outcome: Outcome) -> list[str]:
    return [each.refusal.rule for each in outcome.events if isinstance(each, Warned)]


def declined(outcome: Outcome) -> str:
    """The rule for which the message was refused; there was nothing else."""
    (event,) = (each for each in outcome.events if isinstance(each, Declined))
    assert outcome.ending is None
    return event.refusal.rule


def received(outcome: Outcome) -> list[Any]:
    return [each.message for each in outcome.events if isinstance(each, Received)]


def hears(session: Session, *messages: AnyS2Message, at: float = 0) -> Outcome:
    """What comes of the last of some messages."""
    outcome = Outcome()
    for message in messages:
        outcome = session.receive(dump(message), at)
    return outcome


def acknowledge(session: Session, outcome: Outcome, status: ReceptionStatusValues = OK, at: float = 0) -> Outcome:
    """Answer the last message that was said."""
    name = next(each.message_id for each in reversed(outcome.to_peer) if not isinstance(each, ReceptionStatus))
    return session.receive(dump(ReceptionStatus(subject_message_id=name, status=status)), at)


def handshake(role: EnergyManagementRole, *versions: str) -> Handshake:
    return Handshake(message_id=m.new_id(), role=role, supported_protocol_versions=versions or None)


RM, CEM = EnergyManagementRole.RM, EnergyManagementRole.CEM


def cem_with(*control_types: ControlType, **settings: Any) -> CemSession:
    """An energy manager that knows a device."""
    session = CemSession(new_id=m.ids("cem"), **settings)
    session.start(0)
    hears(session, handshake(RM, "0.0.2-beta"), m.details(*control_types))
    return session


def cem_in(control_type: ControlType, **settings: Any) -> CemSession:
    """An energy manager that has selected a control type."""
    session = cem_with(**settings)
    acknowledge(session, session.select(control_type, 0))
    assert session.control_type is control_type
    return session


def rm_with(*control_types: ControlType, **settings: Any) -> RmSession:
    """A resource manager whose version is agreed."""
    session = RmSession(m.details(*control_types), new_id=m.ids("rm"), **settings)
    session.start(0)
    hears(session, HandshakeResponse(message_id=m.new_id(), selected_protocol_version="0.0.2-beta"))
    return session


def rm_in(control_type: ControlType, **settings: Any) -> RmSession:
    """A resource manager that is controlled."""
    session = rm_with(**settings)
    hears(session, SelectControlType(message_id=m.new_id(), control_type=control_type))
    assert session.control_type is control_type
    return session


# Both ends together ---------------------------------------------------------------------------------------------------


def talk(one: Session, other: Session, first: Iterable[tuple[Session, Outcome]]) -> None:
    """Carry messages to and fro until nobody says anything."""
    waiting = [(other if speaker is one else one, dump(each)) for speaker, out in first for each in out.to_peer]
    while waiting:
        listener, data = waiting.pop(0)
        outcome = listener.receive(data, 0)
        assert not [each for each in outcome.events if isinstance(each, Declined | Warned | NotDelivered)]
        waiting += [(other if listener is one else one, dump(each)) for each in outcome.to_peer]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_both_ends_find_together_whoever_speaks_first(order: tuple[int, int]) -> None:
    cem = CemSession(new_id=m.ids("cem"))
    rm = RmSession(m.details(), new_id=m.ids("rm"))
    starts = [(cem, cem.start(0)), (rm, rm.start(0))]
    talk(cem, rm, [starts[number] for number in order])
    assert cem.profile is rm.profile is Profile.V1
    assert cem.details == rm.details
    talk(cem, rm, [(cem, cem.select(m.FRBC, 0))])
    assert cem.control_type is rm.control_type is m.FRBC
    talk(cem, rm, [(rm, rm.send(m.battery(), 0)), (rm, rm.send(m.doing("rest"), 0))])
    instruction = m.charge()
    talk(cem, rm, [(cem, cem.send(instruction, 0))])
    assert list(cem.instructions) == list(rm.instructions) == [instruction.id]
    for status in (InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED):
        talk(cem, rm, [(rm, rm.send(m.came_to(instruction.id, status), 0))])
    assert list(cem.instructions) == list(rm.instructions) == []


# Handshake and versions -----------------------------------------------------------------------------------------------


def test_an_energy_manager_says_its_handshake_at_once_and_never_a_response_before_it() -> None:
    session = CemSession(new_id=m.ids("cem"))
    (first,) = session.start(0).to_peer
    assert isinstance(first, Handshake) and first.role is CEM
    outcome = hears(session, handshake(RM, "0.0.2-beta"))
    assert said(outcome) == ["ReceptionStatus", "HandshakeResponse"]
    assert outcome.events == (Agreed(Profile.BETA, "0.0.2-beta"),)


@pytest.mark.parametrize(
    ("offered", "selected", "profile"),
    [
        (("0.0.2-beta",), "0.0.2-beta", Profile.BETA),
        (("1.0.0",), "1.0.0", Profile.V1),
        (("v1.0.0",), "v1.0.0", Profile.V1),
        (("v1",), "v1", Profile.V1),
        (("0.0.1", "0.0.2-beta", "v1.0.0"), "v1.0.0", Profile.V1),
        (("v0.0.2-beta", "3"), "v0.0.2-beta", Profile.BETA),
    ],
)
def test_the_version_is_selected_as_the_device_spells_it(
    offered: tuple[str, ...], selected: str, profile: Profile
) -> None:
    session = CemSession(new_id=m.ids("cem"))
    session.start(0)
    response = hears(session, handshake(RM, *offered)).to_peer[-1]
    assert isinstance(response, HandshakeResponse) and response.selected_protocol_version == selected
    assert session.profile is profile


@pytest.mark.parametrize("offered", ["0.0.2", "0.0.2-BETA", "1.0.0-beta", "vv1", "", "2"])
def test_without_a_common_version_the_energy_manager_ends_and_says_why(offered: str) -> None:
    session = CemSession(new_id=m.ids("cem"))
    session.start(0)
    outcome = hears(session, handshake(RM, offered))
    assert said(outcome) == ["ReceptionStatus", "SessionRequest"]
    assert outcome.ending is not None and outcome.ending.kind is EndingKind.NO_COMMON_VERSION


def test_a_device_that_names_no_versions_is_taken_to_speak_what_all_speak() -> None:
    session = CemSession(new_id=m.ids("cem"))
    session.start(0)
    outcome = hears(session, handshake(RM))
    assert warnings(outcome) == ["versions_missing"] and session.profile is Profile.BETA


def test_a_device_that_skips_its_handshake_is_welcome() -> None:
    session = CemSession(new_id=m.ids("cem"))
    session.start(0)
    outcome = hears(session, m.details())
    assert warnings(outcome) == ["handshake_skipped"]
    assert isinstance(received(outcome)[0], ResourceManagerDetails)
    assert session.select(m.FRBC, 0).refusal is None


def test_two_energy_managers_do_not_find_together() -> None:
    session = CemSession(new_id=m.ids("cem"))
    session.start(0)
    assert declined(hears(session, handshake(CEM, "1.0.0"))) == "same_role"


def test_a_resource_manager_needs_no_handshake_of_the_energy_manager() -> None:
    session = RmSession(m.details(), new_id=m.ids("rm"))
    assert said(session.start(0)) == ["Handshake"]
    outcome = hears(session, HandshakeResponse(message_id=m.new_id(), selected_protocol_version="0.0.2-beta"))
    assert said(outcome) == ["ReceptionStatus", "ResourceManagerDetails"]


def test_a_resource_manager_goes_on_with_an_energy_manager_that_skips_the_response() -> None:
    session = RmSession(m.details(), new_id=m.ids("rm"))
    session.start(0)
    outcome = hears(session, SelectControlType(message_id=m.new_id(), control_type=m.FRBC))
    assert said(outcome) == ["ReceptionStatus", "ResourceManagerDetails"]
    assert warnings(outcome) == ["handshake_skipped"] and session.control_type is m.FRBC


def test_a_version_that_was_not_offered_is_refused_and_another_may_follow() -> None:
    session = RmSession(m.details(), new_id=m.ids("rm"))
    session.start(0)
    wrong = HandshakeResponse(message_id=m.new_id(), selected_protocol_version="2.0.0")
    assert declined(hears(session, wrong)) == "version_not_offered"
    hears(session, HandshakeResponse(message_id=m.new_id(), selected_protocol_version="v1.0.0"))
    assert session.profile is Profile.V1


def test_a_version_agreed_beforehand_needs_no_handshake() -> None:
    cem = CemSession(new_id=m.ids("cem"), agreed=Profile.V1)
    rm = RmSession(m.details(), new_id=m.ids("rm"), agreed=Profile.V1)
    assert said(rm.start(0)) == ["ResourceManagerDetails"]
    assert said(cem.start(0)) == []
    assert warnings(hears(cem, m.details())) == []
    assert said(hears(rm, SelectControlType(message_id=m.new_id(), control_type=m.FRBC))) == ["ReceptionStatus"]


def test_who_does_not_take_up_the_conversation_loses_it() -> None:
    for session in (CemSession(new_id=m.ids("cem")), RmSession(m.details(), new_id=m.ids("rm"))):
        session.start(100)
        acknowledge(session, Outcome((handshake(CEM),)))
        assert session.wake(129.9).ending is None
        ending = session.wake(130).ending
        assert ending is not None and ending.kind is EndingKind.NO_HANDSHAKE


# Control types --------------------------------------------------------------------------------------------------------


def test_a_control_type_is_active_when_the_device_acknowledges_it() -> None:
    session = cem_with()
    outcome = session.select(m.FRBC, 0)
    assert session.control_type is ControlType.NO_SELECTION and session.selecting is m.FRBC
    changed = acknowledge(session, outcome)
    assert changed.events[-1] == ControlTypeChanged(m.FRBC, ControlType.NO_SELECTION)


def test_a_control_type_is_active_when_the_device_speaks_of_it_or_says_nothing_at_all() -> None:
    session = cem_with()
    session.select(m.FRBC, 0)
    outcome = hears(session, m.battery())
    assert [type(each) for each in outcome.events] == [ControlTypeChanged, Received]
    silent = cem_with()
    silent.select(ControlType.NO_SELECTION, 0)
    silent.select(m.FRBC, 0)
    silent.wake(10)
    assert silent.control_type is m.FRBC


def test_a_control_type_that_the_device_refuses_is_not_active() -> None:
    session = cem_with()
    outcome = acknowledge(session, session.select(m.FRBC, 0), INVALID_CONTENT)
    assert isinstance(outcome.events[0], NotDelivered)
    assert session.control_type is ControlType.NO_SELECTION and session.selecting is None


def test_only_what_the_device_offers_can_be_selected() -> None:
    session = cem_with(m.FRBC)
    refusal = session.select(m.OMBC, 0).refusal
    assert refusal is not None and refusal.rule == "control_type_not_available"
    rm = rm_with(m.FRBC)
    select = SelectControlType(message_id=m.new_id(), control_type=ControlType.NOT_CONTROLABLE)
    assert declined(hears(rm, select)) == "control_type_not_available"
    assert CemSession(new_id=m.ids("cem")).select(m.FRBC, 0).refusal is not None


def test_another_control_type_takes_the_place_of_the_one_before() -> None:
    session = cem_in(m.FRBC)
    hears(session, m.battery())
    outcome = session.select(m.OMBC, 0)
    # Until the device agrees, the type before holds.
    assert received(hears(session, m.doing("charge")))
    acknowledge(session, outcome)
    assert declined(hears(session, m.level())) == "inactive_control_type"
    assert received(hears(session, m.heater(), m.heater_is("off")))
    acknowledge(session, session.select(ControlType.NO_SELECTION, 0))
    assert declined(hears(session, m.heater_is("on"))) == "inactive_control_type"
    assert received(hears(session, m.measured()))


def test_selecting_the_active_type_again_begins_it_anew() -> None:
    session = rm_in(m.FRBC)
    session.send(m.battery(), 0)
    outcome = hears(session, SelectControlType(message_id=m.new_id(), control_type=m.FRBC))
    assert outcome.events == (ControlTypeChanged(m.FRBC, m.FRBC),)
    assert declined(hears(session, m.charge())) == "not_described"


def test_a_device_that_only_measures_says_so_and_nothing_more() -> None:
    session = cem_with(ControlType.NOT_CONTROLABLE)
    acknowledge(session, session.select(ControlType.NOT_CONTROLABLE, 0))
    assert received(hears(session, m.measured()))
    assert declined(hears(session, m.battery())) == "inactive_control_type"


# Who may say what when ------------------------------------------------------------------------------------------------


def test_each_side_says_what_is_its_own_to_say() -> None:
    cem = cem_in(m.FRBC)
    hears(cem, m.battery())
    for message in (m.charge(), SelectControlType(message_id=m.new_id(), control_type=m.FRBC)):
        assert declined(hears(cem, message)) == "wrong_side"
    rm = rm_in(m.FRBC)
    for foreign in (m.battery(), m.level(), m.details(), m.measured(), m.came_to("i1", InstructionStatus.NEW)):
        assert declined(hears(rm, foreign)) == "wrong_side"
    assert (refusal := cem.send(m.level(), 0).refusal) is not None and refusal.rule == "wrong_side"
    assert (refusal := rm.send(m.charge(), 0).refusal) is not None and refusal.rule == "wrong_side"


def test_nothing_is_said_of_a_device_before_it_says_what_it_is() -> None:
    session = CemSession(new_id=m.ids("cem"))
    session.start(0)
    for message in (m.measured(), m.battery(), m.level()):
        assert declined(hears(session, message)) == "no_details"
    rm = RmSession(m.details(), new_id=m.ids("rm"))
    rm.start(0)
    for message in (m.measured(), m.details()):
        assert rm.send(message, 0).refusal is not None
    assert (refusal := rm_with().send(m.battery(), 0).refusal) is not None
    assert refusal.rule == "inactive_control_type"


@pytest.mark.parametrize(
    ("control_type", "described", "message"),
    [
        (m.FRBC, (), m.doing("rest")),
        (m.FRBC, (m.battery(),), m.doing("discharge")),
        (m.FRBC, (m.battery(),), m.doing("rest", "heater")),
        (m.FRBC, (m.battery(),), m.pause_over("break")),
        (m.OMBC, (m.heater(),), m.heater_is("hot")),
        (m.PPBC, (m.wash(),), m.washing(container="rinse")),
        (m.PPBC, (m.wash(),), m.washing(profile="dry")),
        (m.PPBC, (m.wash(),), m.washing(sequence="quick")),
    ],
)
def test_a_status_of_what_was_never_described_is_refused(
    control_type: ControlType, described: tuple[Any, ...], message: Any
) -> None:
    session = cem_in(control_type)
    hears(session, *described)
    assert declined(hears(session, message)) in ("unknown_id", "not_described")


@pytest.mark.parametrize(
    ("control_type", "described", "good", "bad"),
    [
        (m.FRBC, m.battery(), m.charge(), m.charge("discharge")),
        (m.OMBC, m.heater(), m.heat(), m.heat("hot")),
        (m.PPBC, m.wash(), m.start_washing(), m.start_washing("quick")),
        (m.PEBC, m.curtailment(), m.curtail(), m.curtail(constraints="other")),
    ],
)
def test_an_instruction_refers_to_what_is_live(control_type: ControlType, described: Any, good: Any, bad: Any) -> None:
    rm, cem = rm_in(control_type), cem_in(control_type)
    rm.send(described, 0)
    hears(cem, described)
    assert received(hears(rm, good)) == [good]
    assert declined(hears(rm, bad)) == "unknown_id"
    assert cem.send(good, 0).to_peer == (good,)
    assert (refusal := cem.send(bad, 0).refusal) is not None and refusal.rule == "unknown_id"


def test_a_description_that_is_queued_does_not_end_the_one_that_holds() -> None:
    session = cem_in(m.FRBC)
    later = m.NOON.replace(hour=18)
    hears(session, m.battery(), m.battery(m.frbc_mode("night", 100), valid_from=later))
    for mode in ("charge", "night"):
        assert received(hears(session, m.doing(mode)))
    hears(session, m.battery(m.frbc_mode("only", 100)))
    assert declined(hears(session, m.doing("charge"))) == "unknown_id"


# Instructions and revocation ------------------------------------------------------------------------------------------


def steered(**settings: Any) -> tuple[CemSession, Any]:
    """An energy manager that gave an instruction."""
    session = cem_in(m.FRBC, **settings)
    hears(session, m.battery())
    instruction = m.charge()
    session.send(instruction, 0)
    return session, instruction


def test_statuses_of_an_instruction_come_in_their_order_or_are_warned_of() -> None:
    session, instruction = steered()
    for status in (InstructionStatus.NEW, InstructionStatus.STARTED):
        assert received(hears(session, m.came_to(instruction.id, status)))
    outcome = hears(session, m.came_to(instruction.id, InstructionStatus.ACCEPTED))
    assert (answers(outcome), received(outcome)) == ([OK], [])
    assert warnings(outcome) == ["instruction_status_regressed"]
    assert received(hears(session, m.came_to(instruction.id, InstructionStatus.SUCCEEDED)))
    late = hears(session, m.came_to(instruction.id, InstructionStatus.ABORTED))
    assert (answers(late), warnings(late), received(late)) == ([OK], ["instruction_closed"], [])


def test_a_status_may_quote_the_message_id_of_its_instruction() -> None:
    session, instruction = steered()
    (status,) = received(hears(session, m.came_to(instruction.message_id, InstructionStatus.SUCCEEDED)))
    assert status.instruction_id == instruction.id


def test_a_status_of_an_instruction_that_nobody_gave_is_refused() -> None:
    session, _ = steered()
    assert declined(hears(session, m.came_to("i77", InstructionStatus.SUCCEEDED))) == "unknown_instruction"


def test_an_instruction_is_given_once() -> None:
    rm = rm_in(m.FRBC)
    rm.send(m.battery(), 0)
    assert received(hears(rm, m.charge(name="i1")))
    assert declined(hears(rm, m.charge(name="i1"))) == "repeated_instruction"
    rm.send(m.came_to("i1", InstructionStatus.SUCCEEDED), 0)
    assert declined(hears(rm, m.charge(name="i1"))) == "repeated_instruction"
    session, instruction = steered()
    assert session.send(m.charge(name=instruction.id), 0).refusal is not None


def test_a_device_tells_the_status_of_open_instructions_only_and_forwards() -> None:
    rm = rm_in(m.FRBC)
    rm.send(m.battery(), 0)
    hears(rm, m.charge(name="i1"))
    assert rm.send(m.came_to("i1", InstructionStatus.STARTED), 0).refusal is None
    for name, status in (("i1", InstructionStatus.ACCEPTED), ("i2", InstructionStatus.ACCEPTED)):
        assert rm.send(m.came_to(name, status), 0).refusal is not None


def test_an_instruction_that_the_device_refuses_at_reception_is_over() -> None:
    session, instruction = steered()
    refused = ReceptionStatus(subject_message_id=instruction.message_id, status=INVALID_CONTENT)
    assert hears(session, refused).events == (NotDelivered(instruction, INVALID_CONTENT, ""),)
    assert list(session.instructions) == []


def test_an_energy_manager_takes_its_instructions_back_by_id() -> None:
    session, instruction = steered()
    revocation = m.revoke(RevokableObjects.FRBC_INSTRUCTION, instruction.id)
    assert session.send(revocation, 0).to_peer == (revocation,)
    assert list(session.instructions) == [instruction.id]
    hears(session, m.came_to(instruction.id, InstructionStatus.REVOKED))
    assert list(session.instructions) == []
    rm = rm_in(m.FRBC)
    rm.send(m.battery(), 0)
    hears(rm, instruction)
    assert received(hears(rm, revocation))
    assert declined(hears(rm, m.revoke(RevokableObjects.FRBC_INSTRUCTION, "i77"))) == "unknown_object"
    assert declined(hears(rm, m.revoke(RevokableObjects.FRBC_SYSTEM_DESCRIPTION, "rest"))) == "not_yours"
    assert declined(hears(rm, m.revoke(RevokableObjects.OMBC_INSTRUCTION, "i77"))) == "inactive_control_type"


@pytest.mark.parametrize("name", ["message_id", "inverter", "charge", "pause"])
def test_a_description_is_taken_back_by_any_of_its_ids(name: str) -> None:
    session = cem_in(m.FRBC)
    description = m.battery()
    hears(session, description)
    quoted = description.message_id if name == "message_id" else name
    (revoked,) = received(hears(session, m.revoke(RevokableObjects.FRBC_SYSTEM_DESCRIPTION, quoted)))
    assert revoked.object_id == description.message_id
    assert declined(hears(session, m.doing("charge"))) == "not_described"
    again = hears(session, m.revoke(RevokableObjects.FRBC_SYSTEM_DESCRIPTION, description.message_id))
    assert (answers(again), warnings(again)) == ([OK], ["unknown_object"])


def test_a_device_may_take_back_an_instruction_too() -> None:
    session, instruction = steered()
    assert received(hears(session, m.revoke(RevokableObjects.FRBC_INSTRUCTION, instruction.id)))
    assert list(session.instructions) == []


# Acknowledgements -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "status", "subject"),
    [
        (b"[]", INVALID_DATA, NIL_ID),
        (b"{", INVALID_DATA, NIL_ID),
        (b'{"message_type":"FRBC.StorageStatus","present_fill_level":1}', INVALID_DATA, NIL_ID),
        (b'{"message_type":"FRBC.StorageStatus","message_id":"m1","present_fill_level":NaN}', INVALID_DATA, NIL_ID),
        (b'{"message_type":"FRBC.StorageStatus","message_id":"m1"}', INVALID_MESSAGE, "m1"),
        (b'{"message_type":"Nonsense","message_id":"m1"}', INVALID_MESSAGE, "m1"),
        (dump(m.doing(factor=2)), INVALID_CONTENT, None),
        (b" " * 1_000_000, INVALID_DATA, NIL_ID),
    ],
)
def test_what_is_wrong_is_answered_and_ends_nothing(
    data: bytes, status: ReceptionStatusValues, subject: str | None
) -> None:
    session = cem_in(m.FRBC)
    hears(session, m.battery())
    outcome = session.receive(data, 0)
    (answer,) = outcome.to_peer
    assert isinstance(answer, ReceptionStatus) and answer.status is status and answer.diagnostic_label
    assert subject in (None, answer.subject_message_id)
    assert outcome.ending is None
    assert received(hears(session, m.level()))


def test_a_broken_acknowledgement_is_not_acknowledged() -> None:
    outcome = cem_in(m.FRBC).receive(b'{"message_type":"ReceptionStatus","status":"FINE"}', 0)
    assert outcome.to_peer == () and declined(outcome) == "missing"


def test_a_message_that_comes_twice_is_answered_twice_and_acted_on_once() -> None:
    rm = rm_in(m.FRBC)
    rm.send(m.battery(), 0)
    instruction = m.charge()
    assert received(hears(rm, instruction)) == [instruction]
    again = hears(rm, instruction)
    assert (answers(again), received(again), warnings(again)) == ([OK], [], ["repeated_message"])
    other = m.level()
    session = cem_in(m.FRBC)
    assert received(hears(session, other, other.model_copy(update={"present_fill_level": 7.0})))


def test_a_message_that_was_refused_may_come_again_when_it_makes_sense() -> None:
    session = cem_in(m.FRBC)
    status = m.doing("rest")
    assert declined(hears(session, status)) == "not_described"
    assert received(hears(session, m.battery(), status)) == [status]


def test_the_judge_is_asked_before_the_message_is_acknowledged() -> None:
    asked: list[Any] = []

    def judge(message: Any) -> Refusal | None:
        asked.append(message)
        return Refusal("too_full", "present_fill_level", 50.0, "it does not fit", "draw some")

    session = cem_in(m.FRBC)
    session.judge = judge
    status = m.level()
    outcome = hears(session, status)
    assert asked == [status] and answers(outcome) == [INVALID_CONTENT] and declined(outcome) == "too_full"


def test_the_other_side_is_told_apart_by_what_it_answers() -> None:
    session, instruction = steered()
    answer = ReceptionStatus(subject_message_id=instruction.message_id, status=OK)
    assert hears(session, answer).events == (Delivered(instruction),)
    assert warnings(hears(session, answer)) == ["repeated_reception_status"]
    assert warnings(hears(session, answer.model_copy(update={"subject_message_id": "m99"}))) == [
        "unknown_reception_status"
    ]
    assert warnings(hears(session, ReceptionStatus(subject_message_id=NIL_ID, status=INVALID_DATA))) == [
        "peer_could_not_read"
    ]


def test_an_answer_that_never_comes_is_given_up_and_one_that_comes_late_still_counts() -> None:
    session, instruction = steered()
    assert session.next_due == 10
    outcome = session.wake(10)
    assert NotDelivered(instruction, None, "the other side does not say what became of it") in outcome.events
    late = ReceptionStatus(subject_message_id=instruction.message_id, status=OK)
    assert hears(session, late, at=20).events == (Delivered(instruction),)
    assert session.next_due is None


def test_what_the_other_side_cannot_take_now_is_sent_again_with_growing_pauses_and_not_for_ever() -> None:
    session, instruction = steered(limits=SessionLimits(deliveries=DeliveryLimits(resends=3)))
    busy = ReceptionStatus(subject_message_id=instruction.message_id, status=TEMPORARY_ERROR)
    at, sent_at = 0.0, []
    outcome = hears(session, busy)
    while not outcome.events and len(sent_at) < 9:
        at = session.next_due or 0
        assert instruction in session.wake(at).to_peer
        sent_at.append(at)
        outcome = hears(session, busy, at=at)
    assert sent_at == [1, 3, 7]
    assert outcome.events == (NotDelivered(instruction, TEMPORARY_ERROR, ""),)
    assert list(session.instructions) == []


def test_a_state_is_not_sent_again_when_a_newer_one_was_sent() -> None:
    session = rm_in(m.FRBC)
    session.send(m.battery(), 0)
    older, newer = m.level(10), m.level(20)
    session.send(older, 0)
    hears(session, ReceptionStatus(subject_message_id=older.message_id, status=TEMPORARY_ERROR))
    session.send(newer, 0)
    outcome = session.wake(1)
    assert outcome.to_peer == () and [each.message for each in outcome.events] == [older]


def test_a_peer_that_will_not_recover_is_left() -> None:
    session, instruction = steered()
    outcome = hears(
        session,
        ReceptionStatus(
            subject_message_id=instruction.message_id,
            status=ReceptionStatusValues.PERMANENT_ERROR,
            diagnostic_label="fire",
        ),
    )
    assert outcome.ending is not None and outcome.ending.kind is EndingKind.PERMANENT_ERROR
    assert "fire" in outcome.ending.reason


# Ends -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_type", "kind"),
    [(SessionRequestType.RECONNECT, EndingKind.RECONNECT), (SessionRequestType.TERMINATE, EndingKind.TERMINATED)],
)
def test_a_session_ends_when_the_other_side_asks_for_it(request_type: SessionRequestType, kind: EndingKind) -> None:
    for session in (cem_in(m.FRBC), rm_in(m.FRBC)):
        outcome = hears(session, SessionRequest(message_id=m.new_id(), request=request_type, diagnostic_label="night"))
        assert answers(outcome) == [OK]
        assert outcome.ending is not None and outcome.ending.kind is kind and "night" in outcome.ending.reason
        assert session.receive(dump(m.level()), 0) == Outcome() and session.wake(1e9) == Outcome()
        assert session.next_due is None
        assert (refusal := session.send(m.measured(), 0).refusal) is not None and refusal.rule == "session_over"


def test_a_session_that_ends_here_says_so_once() -> None:
    session = rm_in(m.FRBC)
    outcome = session.finish(SessionRequestType.TERMINATE, "the house sleeps", 0)
    assert said(outcome) == ["SessionRequest"]
    assert outcome.ending is not None and outcome.ending.kind is EndingKind.ENDED_HERE
    assert session.finish(SessionRequestType.TERMINATE, "again", 0) == Outcome()


def test_a_peer_that_sends_nothing_but_nonsense_is_left_in_time() -> None:
    session = cem_in(m.FRBC, limits=SessionLimits(bad_frames=BadFrameLimits(at_once=10, per_s=1)))
    for second in range(100):
        assert session.receive(b"[]", second).ending is None
    outcome = Outcome()
    for number in range(11):
        assert outcome.ending is None, number
        outcome = session.receive(b"[]", 100)
    assert outcome.ending is not None and outcome.ending.kind is EndingKind.FLOODED


# Bounds ---------------------------------------------------------------------------------------------------------------


def test_a_device_takes_no_more_instructions_than_it_can_keep() -> None:
    rm = rm_in(m.FRBC, limits=SessionLimits(most_instructions=3))
    rm.send(m.battery(), 0)
    for _ in range(3):
        assert received(hears(rm, m.charge()))
    waiting = m.charge()
    assert answers(hears(rm, waiting)) == [TEMPORARY_ERROR]
    rm.send(m.came_to(next(iter(rm.instructions)), InstructionStatus.SUCCEEDED), 0)
    assert received(hears(rm, waiting)) == [waiting]


def test_an_energy_manager_forgets_what_a_device_never_ends() -> None:
    session, first = steered(limits=SessionLimits(most_instructions=2))
    session.send(m.charge(), 0)
    assert warnings(session.send(m.charge(), 0)) == ["instruction_forgotten"]
    assert len(session.instructions) == 2 and first.id not in session.instructions


def test_what_waits_for_an_answer_is_bounded() -> None:
    session = rm_in(m.FRBC, limits=SessionLimits(deliveries=DeliveryLimits(most=5)))
    session.send(m.battery(), 0)
    given_up = [type(event) for number in range(20) for event in session.send(m.level(number), 0).events]
    assert given_up and set(given_up) == {NotDelivered}


def test_words_of_the_other_side_are_cut_before_they_are_kept() -> None:
    session, instruction = steered()
    label = "x" * 100_000
    outcome = hears(
        session,
        ReceptionStatus(subject_message_id=instruction.message_id, status=INVALID_CONTENT, diagnostic_label=label),
    )
    assert len(str(outcome.events[0])) < 3000
    long_name = json.dumps({"message_type": "y" * 100_000, "message_id": "m1"}).encode()
    (answer,) = session.receive(long_name, 0).to_peer
    assert len(dump(answer)) < 1000
    assert parse(dump(answer), Profile.V1) == answer


def test_what_a_peer_does_not_know_is_not_sent_again_and_again() -> None:
    session = rm_with()
    for number in range(3):
        message = m.measured(number)
        session.send(message, 0)
        busy = ReceptionStatus(subject_message_id=message.message_id, status=TEMPORARY_ERROR)
        resent, outcome = 0, hears(session, busy)
        while not outcome.events:
            resent += message in session.wake(session.next_due or 0).to_peer
            outcome = hears(session, busy)
        assert resent == (4 if number == 0 else 0)


def test_a_control_type_that_the_device_offers_no_longer_ends() -> None:
    session = cem_in(m.FRBC)
    outcome = hears(session, m.details(m.OMBC))
    assert [type(each) for each in outcome.events] == [Received, ControlTypeChanged]
    assert session.control_type is ControlType.NO_SELECTION
    rm = rm_in(m.FRBC)
    assert ControlTypeChanged(ControlType.NO_SELECTION, m.FRBC) in rm.send(m.details(m.OMBC), 0).events
    assert declined(hears(rm, m.charge())) == "inactive_control_type"


def test_a_session_that_is_under_way_keeps_its_version() -> None:
    rm = rm_in(m.FRBC)
    other = HandshakeResponse(message_id=m.new_id(), selected_protocol_version="1.0.0")
    assert declined(hears(rm, other)) == "version_settled"
    same = HandshakeResponse(message_id=m.new_id(), selected_protocol_version="0.0.2-beta")
    assert said(hears(rm, same)) == ["ReceptionStatus"] and rm.profile is Profile.BETA


def test_a_device_may_describe_itself_in_the_very_same_words_again() -> None:
    session = cem_in(m.FRBC)
    description = m.battery()
    assert received(hears(session, description)) == [description]
    assert received(hears(session, description)) == []
    hears(session, m.revoke(RevokableObjects.FRBC_SYSTEM_DESCRIPTION, description.message_id))
    assert received(hears(session, description)) == [description]
    acknowledge(session, session.select(ControlType.NO_SELECTION, 0))
    acknowledge(session, session.select(m.FRBC, 0))
    assert received(hears(session, description, m.doing("charge")))


def test_a_device_that_says_the_same_for_ever_is_borne() -> None:
    session = cem_in(m.FRBC)
    status = m.level()
    for _ in range(1000):
        assert hears(session, status).ending is None


def test_what_the_profile_does_not_have_is_not_said() -> None:
    demand = DDBCPresentDemandStatus(message_id=m.new_id(), present_demand_rate=m.span(0, 1))
    session = rm_with(ControlType.DEMAND_DRIVEN_BASED_CONTROL)
    hears(session, SelectControlType(message_id=m.new_id(), control_type=ControlType.DEMAND_DRIVEN_BASED_CONTROL))
    assert session.profile is Profile.BETA
    assert (refusal := session.send(demand, 0).refusal) is not None and refusal.rule == "wrong_profile"


def test_a_status_that_crosses_a_selection_of_the_same_type_does_not_begin_it() -> None:
    session = cem_in(m.FRBC)
    hears(session, m.battery())
    outcome = session.select(m.FRBC, 0)
    assert received(hears(session, m.doing("charge")))
    assert session.selecting is m.FRBC
    assert acknowledge(session, outcome).events[-1] == ControlTypeChanged(m.FRBC, m.FRBC)


def test_a_status_before_its_description_does_not_begin_a_control_type() -> None:
    session = cem_with()
    session.select(m.FRBC, 0)
    assert declined(hears(session, m.doing("charge"))) == "not_described"
    assert session.selecting is m.FRBC and received(hears(session, m.level()))
