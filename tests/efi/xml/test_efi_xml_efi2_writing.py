"""What several messages, or one that is several there, become in EFI 2.0."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.commodity import CommodityQuantity, electric_range
from efi.inflexible import CurtailmentElement, CurtailmentProfile, InflexibleAllocation
from efi.measurement import ForecastElement
from efi.messages import AnyMessage
from efi.output_adjustable import (
    OutputAdjustableAllocation,
    OutputAdjustableMode,
    OutputAdjustableSystemDescription,
    RunningModeSelector,
)
from efi.running_mode import Transition
from efi.storage import (
    ActuatorBehaviour,
    LeakageElement,
    StorageLeakageUpdate,
    StorageMode,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
)
from efi.time_shiftable import (
    Alternative,
    SequenceAllocation,
    SequentialProfile,
    TimeShiftableAllocation,
    TimeShiftableUpdate,
)
from efi.types import NumberRange
from efi.uncertainty import UncertainPower
from efi.xml.codec import Generation, XmlCodec, read, write
from efi.xml.efi2.storage_description import leakage_id
from efi.xml.errors import UnreadableXmlError
from efi.xml.names import NameTable
from tests.efi.xml.efi2_documents import SUPPORTED, registration

NOW = datetime(2026, 3, 29, 1, tzinfo=UTC)
HEAD: dict[str, Any] = {"message_id": "message-1", "appliance_id": "fridge", "timestamp": NOW}
UPDATE: dict[str, Any] = {**HEAD, "valid_from": NOW}
ALLOCATION: dict[str, Any] = {**HEAD, "control_space_update_id": "update-1"}
LEVELS = NumberRange(lower=0.0, upper=100.0)


def described(*modes: str) -> StorageSystemDescription:
    behaviour = ActuatorBehaviour(
        actuator_id="compressor",
        modes=tuple(StorageMode.point(each, LEVELS, 100.0, 0.1) for each in modes),
        transitions=Transition.among(*modes),
    )
    return StorageSystemDescription(**UPDATE, fill_level_range=LEVELS, actuators=(behaviour,))


def leaking(**fields: Any) -> StorageLeakageUpdate:
    element = LeakageElement(fill_level_range=LEVELS, rate=0.01)
    return StorageLeakageUpdate(**{**UPDATE, "message_id": "leakage-1", **fields}, elements=(element,))


def conversation(*messages: AnyMessage) -> list[str]:
    """The documents of messages that are said one after the other."""
    codec = XmlCodec()
    return [document for message in messages for document in codec.write([message], Generation.EFI_2).messages]


def test_an_actuator_of_one_mode_has_a_transition_that_says_nothing() -> None:
    told = write(described("cooling"), Generation.EFI_2)
    assert told.messages[0].count("<efi:transition ") == 1
    codec = XmlCodec(NameTable({"cooling": 1}))
    written = codec.write([described("cooling")], Generation.EFI_2)
    assert 'efi:fromRunningModeId="1" efi:toRunningModeId="1"' in written.messages[0]
    again = codec.read(written.messages[0].encode())
    assert again.messages == (described("cooling"),)
    assert not again.leniencies


def test_leakage_is_told_within_the_description_that_it_follows() -> None:
    codec = XmlCodec()
    leakage = leaking(message_id=leakage_id("message-1"))
    written = codec.write([described("on", "off"), leakage], Generation.EFI_2)
    (document,) = written.messages
    assert not written.losses
    assert codec.read(document.encode()).messages == (described("on", "off"), leakage)


def test_leakage_that_comes_later_is_told_with_the_description_again() -> None:
    first, second = conversation(described("on", "off"), leaking())
    assert "leakageElement" not in first
    assert "leakageElement" in second
    alone = write(leaking(), Generation.EFI_2)
    assert not alone.messages
    assert alone.losses


def test_all_allocations_are_taken_back_one_by_one_but_for_those_that_have_ended() -> None:
    mode = RunningModeSelector(mode_id="on", start_time=NOW)
    allocations = [
        OutputAdjustableAllocation(**{**ALLOCATION, "message_id": f"allocation-{number}"}, selectors=(mode,))
        for number in range(3)
    ]
    done = AllocationStatusUpdate(**HEAD, allocation_id="allocation-1", status=AllocationStatus.FINISHED)
    documents = conversation(*allocations, done, AllocationRevoke(**HEAD))
    revoked = [document for document in documents if "InstructionRevoke" in document]
    assert [f"allocation-{number}" in document for number, document in zip((0, 2), revoked, strict=True)] == [True] * 2
    assert not write(AllocationRevoke(**HEAD), Generation.EFI_2).messages


def test_several_modes_of_one_allocation_are_several_instructions() -> None:
    steps = tuple(RunningModeSelector(mode_id="on", start_time=NOW + timedelta(hours=hour)) for hour in range(3))
    told = write(OutputAdjustableAllocation(**ALLOCATION, selectors=steps), Generation.EFI_2)
    read_back = [read(document.encode()).messages[0] for document in told.messages]
    assert [message.message_id for message in read_back] == ["message-1", "message-1-1", "message-1-2"]
    assert [message.selectors[0].start_time for message in read_back] == [step.start_time for step in steps]  # type: ignore[union-attr]
    assert [loss.path for loss in told.losses] == ["selectors"]


@pytest.mark.parametrize(
    ("lower", "upper", "value"),
    [
        (None, 1000.0, "1000.0"),
        (-2000.0, None, "-2000.0"),
        (0.0, 0.0, "0.0"),
        (0.0, 500.0, "500.0"),
        (None, None, "INF"),
        (-1.0, 1.0, None),
        (100.0, None, None),
        (None, -100.0, None),
    ],
)
def test_a_curtailment_is_told_where_it_lies_between_0_and_a_value(
    lower: float | None, upper: float | None, value: str | None
) -> None:
    element = CurtailmentElement(duration=timedelta(hours=1), lower=lower, upper=upper)
    curtailment = CurtailmentProfile(quantity=CommodityQuantity.ELECTRIC_POWER, elements=(element,))
    told = write(InflexibleAllocation(**ALLOCATION, start_time=NOW, curtailments=(curtailment,)), Generation.EFI_2)
    if value is None:
        assert not told.messages
        assert told.losses
    else:
        assert f'efi:value="{value}"' in told.messages[0]


def test_what_is_reserved_for_emergencies_is_not_offered_to_those_who_do_not_know_of_them() -> None:
    modes = tuple(
        OutputAdjustableMode(mode_id=name, power=electric_range(0.0), abnormal_condition_only=name == "island")
        for name in ("on", "off", "island")
    )
    message = OutputAdjustableSystemDescription(
        **UPDATE, modes=modes, transitions=Transition.among("on", "off", "island")
    )
    codec = XmlCodec()
    written = codec.write([message], Generation.EFI_2)
    (again,) = codec.read(written.messages[0].encode()).messages
    ways = {(way.from_mode, way.to_mode) for way in again.transitions}  # type: ignore[union-attr]
    assert ways == {("on", "off"), ("off", "on"), ("island", "on"), ("island", "off")}
    assert {loss.value for loss in written.losses} == {True, "on to island", "off to island"}


def test_an_only_alternative_needs_no_name_where_the_work_is_known() -> None:
    step = SequenceAllocation(sequence_id="wash", start_time=NOW)
    told = write(TimeShiftableAllocation(**ALLOCATION, sequences=(step,)), Generation.EFI_2)
    assert not told.messages
    assert "alternative" in told.losses[0].reason


def test_wishes_that_are_taken_back_come_back_so() -> None:
    message = StorageTargetProfileUpdate(**UPDATE, elements=())
    (document,) = write(message, Generation.EFI_2).messages
    assert read(document.encode()).messages == (message,)


def test_costs_keep_every_digit() -> None:
    cost = Decimal("0.123456789012345678")
    way = Transition(from_mode="on", to_mode="off", cost=cost)
    modes = tuple(OutputAdjustableMode(mode_id=name) for name in ("on", "off"))
    codec = XmlCodec()
    message = OutputAdjustableSystemDescription(**UPDATE, modes=modes, transitions=(way,))
    (document,) = codec.write([message], Generation.EFI_2).messages
    assert codec.read(document.encode()).messages == (message,)


def test_names_come_back_another_day() -> None:
    codec = XmlCodec()
    (document,) = codec.write([described("on", "off")], Generation.EFI_2).messages
    assert XmlCodec(NameTable(codec.names.numbers)).read(document.encode()).messages == (described("on", "off"),)
    assert read(document.encode()).messages != (described("on", "off"),)


def test_a_document_of_no_generation_is_refused_by_its_namespace() -> None:
    data = registration("InflexibleRegistration", SUPPORTED).replace(b"/efi-2", b"/efi-3")
    with pytest.raises(UnreadableXmlError) as refused:
        read(data)
    assert refused.value.refusals[0].rule == "unknown_namespace"


def test_work_that_only_a_reserved_way_does_in_time_is_not_written() -> None:
    def way(name: str, hours: int, *, reserved: bool) -> Alternative:
        power = (UncertainPower(quantity=CommodityQuantity.ELECTRIC_POWER, expected=1000.0),)
        elements = (ForecastElement(duration=timedelta(hours=hours), values=power),)
        return Alternative(alternative_id=name, elements=elements, abnormal_condition_only=reserved)

    step = SequentialProfile(
        sequence_id="wash", alternatives=(way("quick", 1, reserved=True), way("eco", 3, reserved=False))
    )
    work = TimeShiftableUpdate(**UPDATE, end_before=NOW + timedelta(hours=2), sequences=(step,))
    told = write(work, Generation.EFI_2)
    assert not told.messages
    assert any("after the deadline" in loss.reason for loss in told.losses)
    longer = work.model_copy(update={"end_before": NOW + timedelta(hours=3)})
    assert read(write(longer, Generation.EFI_2).messages[0].encode()).messages[0].end_before == longer.end_before  # type: ignore[union-attr]
