"""Hand-made documents of the interim form: accepted, read, written again; mended where a leniency says so."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from efi.allocation import AllocationStatus
from efi.commodity import CommodityQuantity
from efi.conversion import Conversion, LeniencyKind
from efi.inflexible import LimitKind
from efi.measurement import Forecast, ForecastElement
from efi.messages import AnyMessage
from efi.registration import DeviceClass
from efi.types import NumberRange
from efi.uncertainty import UncertainPower
from efi.wires import declared
from efi.xml import leniencies as shared_leniencies
from efi.xml.errors import InvalidXmlError, SenselessXmlError, UnreadableXmlError
from efi.xml.interim import leniencies
from efi.xml.interim.codec import InterimCodec
from efi.xml.parser import parse
from efi.xml.schema.official import FILES
from efi.xml.writer import render
from tests.efi.house import NOON, stamp

EXAMPLES = Path(__file__).parent / "fixtures" / "interim"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.xml"))

SCHEMA = etree.XMLSchema(etree.parse(FILES / "efi-interim-2016.xsd"))

MESSAGE_NAMES = frozenset(name.partition("-")[0] for name in NAMES)


def example(name: str) -> bytes:
    return (EXAMPLES / f"{name}.xml").read_bytes()


def read(data: bytes | str, **options: Any) -> Conversion[AnyMessage]:
    return InterimCodec(**options).read(parse(data if isinstance(data, bytes) else data.encode()))


def changed(name: str, before: str, after: str) -> str:
    text = example(name).decode()
    assert before in text
    return text.replace(before, after)


def official(data: bytes | str) -> bool:
    return bool(SCHEMA.validate(etree.fromstring(data if isinstance(data, bytes) else data.encode())))


def test_there_is_an_example_of_every_message() -> None:
    choice = etree.parse(FILES / "efi-interim-2016.xsd").find(".//{*}complexType[@name='EfiMessageChoice']")
    assert choice is not None
    assert {each.get("name") for each in choice.iter("{*}element")} == MESSAGE_NAMES


@pytest.mark.parametrize("name", NAMES)
def test_what_the_official_schema_accepts_is_accepted_and_survives(name: str) -> None:
    assert official(example(name))
    told = read(example(name))
    assert told.messages
    codec = InterimCodec()
    written = [render(each) for each in codec.write(told.messages).messages]
    assert len(written) == 1
    assert official(written[0])
    again = read(written[0])
    assert again.messages == told.messages
    assert [render(each) for each in InterimCodec().write(again.messages).messages] == [
        render(each) for each in InterimCodec().write(told.messages).messages
    ]


def test_a_document_may_be_written_in_many_ways_and_says_the_same() -> None:
    plain = read(example("storageStateUpdate")).messages
    for name in NAMES:
        if name.startswith("storageStateUpdate-"):
            assert read(example(name)).messages == plain


# Values ---------------------------------------------------------------------------------------------------------------


def only(name: str, **options: Any) -> Any:
    (message,) = read(example(name), **options).messages
    return message


def test_si_prefixes_are_reckoned_in() -> None:
    assert only("inFlexibileMeasurement").values[0].value == -1500.0
    energy = only("electricityMeasurement").energy
    assert energy[0].consumed == 1234.567 * 3.6e6
    assert energy[1].consumed == 57.6 * 3600
    assert energy[1].since == datetime(2016, 10, 11, 11, 45, tzinfo=UTC)


def test_a_period_that_ended_earlier_is_a_measurement_of_its_own() -> None:
    now, period = read(example("electricityMeasurement-earlier-period")).messages
    assert (now.type, period.type) == ("measurement", "measurement")
    assert period.model_dump()["measured_at"] == datetime(2016, 10, 11, 11, 59, tzinfo=UTC)
    assert period.message_id == "message-001-period"


def test_a_change_of_the_level_becomes_a_rate_of_draining_with_its_bounds_mirrored() -> None:
    first, second = only("storageUsageForecastUpdate").elements
    assert first.rate.expected == 10 / 3600
    assert (first.rate.lower_95, first.rate.upper_95) == (0.0, 20 / 3600)
    assert second.rate.expected == -0.1 / 86400


def test_the_sides_of_a_curtailment_are_told_by_their_signs() -> None:
    _, options = read(example("inFlexibleRegistration")).messages
    assert options.type == "inflexible_curtailment_options"
    (option,) = options.options
    assert option.limit is LimitKind.LOWER
    assert option.ranges[1] == NumberRange(lower=-5000, upper=-5000)
    spanning = changed("inFlexibleRegistration", "<efi:upperBound>0<", "<efi:upperBound>1000<")
    _, both = read(spanning).messages
    assert both.type == "inflexible_curtailment_options"
    assert [each.limit for each in both.options] == [LimitKind.LOWER, LimitKind.UPPER]


def test_a_curtailment_keeps_between_nothing_and_a_value() -> None:
    first, second = only("curtailmentAllocation").curtailments[0].elements
    assert (first.lower, first.upper) == (-2000.0, 0.0)
    assert (second.lower, second.upper) == (0.0, 0.0)


def test_targets_that_begin_later_leave_the_time_before_free() -> None:
    elements = only("storageTargetProfileUpdate").elements
    assert elements[0].duration == timedelta(hours=6)
    assert elements[0].fill_level_range is None
    assert elements[2].duration == timedelta(0)
    past = only("storageTargetProfileUpdate-past").elements
    assert past[0].duration == timedelta(hours=1)


def test_costs_keep_their_currency_on_the_way_back() -> None:
    codec = InterimCodec()
    told = codec.read(parse(example("outputAdjustableSystemDescription")))
    assert [loss.value for loss in told.losses] == ["GBP"]
    assert 'currency="pound"' in render(codec.write(told.messages).messages[0])
    (message,) = told.messages
    assert message.type == "output_adjustable_system_description"
    assert message.transitions[1].cost == Decimal("0.10")
    mixed = changed("storageSystemDescription", 'currency="euro">0.05', 'currency="dollar">0.05')
    with pytest.raises(SenselessXmlError) as refused:
        read(mixed)
    assert refused.value.refusals[0].rule == "currencies_differ"


GAS = ("outputAdjustableSystemDescription", "<efi:gasConsumption>0<", "<efi:gasConsumption>35170<")


def test_gas_in_watt_needs_a_calorific_value() -> None:
    with pytest.raises(SenselessXmlError) as refused:
        read(changed(*GAS))
    (refusal,) = refused.value.refusals
    assert refusal.rule == "gas_in_watt"
    assert refusal.value == "35170"
    assert refusal.path.endswith("runningModeBehaviour/gasConsumption")
    (message,) = read(changed(*GAS), calorific_value=Fraction(35_170_000)).messages
    assert message.type == "output_adjustable_system_description"
    gas = [power for power in message.modes[0].power if power.quantity is CommodityQuantity.GAS_FLOW]
    assert gas[0].end == 0.001


def test_a_status_without_a_word_comes_back() -> None:
    (status,) = read(
        changed("allocationStatusUpdate", "PROCESSING<", "REJECTED<").replace("too late", "ABORTED: too late")
    ).messages
    assert status.type == "allocation_status_update"
    assert (status.status, status.text) == (AllocationStatus.ABORTED, "too late to overrule")


def test_bounds_beside_a_multiplier_are_taken_as_they_fit_and_not_where_both_do() -> None:
    prefixed = changed("inFlexibileForecast", "<efi:value>1e3<", '<efi:value efi:multiplier="kilo">1<')
    (plain,) = read(prefixed).messages
    assert plain.type == "forecast"
    assert plain.elements[0].values[0].lower_95 == 800
    for before, after in (("800", "0.8"), ("900", "0.9"), ("1100", "1.1"), ("1200.0", "1.2")):
        prefixed = prefixed.replace(f"Bound>{before}<", f"Bound>{after}<")
    (scaled,) = read(prefixed).messages
    assert scaled.type == "forecast"
    assert scaled.elements[0].values[0].lower_95 == 800
    with pytest.raises(SenselessXmlError) as refused:
        read(
            changed("inFlexibileForecast", "<efi:value>1e3<", '<efi:value efi:multiplier="kilo">0<')
            .replace("Bound>800<", "Bound>-2<")
            .replace("Bound>900<", "Bound>-1<")
        )
    assert refused.value.refusals[0].rule == "ambiguous_multiplier"


# Leniencies -----------------------------------------------------------------------------------------------------------

ID = "<efi:messageId>message-001<"

FORGIVEN: list[tuple[str, str, str, str]] = [
    ("prefixless_attribute", "inFlexibileMeasurement", "efi:multiplier", "multiplier"),
    ("prefixless_attribute", "storageSystemDescription", 'efi:currency="euro"', 'currency="euro"'),
    ("spelling", "inFlexibileMeasurement", "efi:inFlexibileMeasurement", "efi:inFlexibleMeasurement"),
    ("spelling", "inFlexibileMeasurement", "efi:inFlexibileMeasurement", "efi:inflexibleMeasurement"),
    ("spelling", "inFlexibileForecast", "efi:inFlexibileForecast", "efi:inFlexibleForecast"),
    ("spelling", "inFlexibleRegistration", "efi:inFlexibleRegistration", "efi:inFlexibileRegistration"),
    ("head_device_id", "storageStateUpdate", "efi:deviceId", "efi:efiDeviceId"),
    ("id_not_a_name", "controlSpaceRevoke", ID, "<efi:messageId>0f8fad5b-d9cb-469f-a165-70867728950e<"),
    ("id_not_a_name", "controlSpaceRevoke", ID, "<efi:messageId>urn:uuid:0f8fad5b<"),
    ("padded", "controlSpaceRevoke", "2016-10-11T12:00:00", "\n  2016-10-11T12:00:00  "),
    ("word", "outputAdjustableRegistration", ">GAS<", ">Gas<"),
    ("word", "storageSystemDescription", '"euro"', '"EUR"'),
    ("word", "allocationStatusUpdate", ">PROCESSING<", "> Processing <"),
    ("word", "inFlexibileForecast", ">Watt<", ">W<"),
    (
        "head_device_description",
        "timeShiftableRegistration",
        "</efi:allocationDelay>",
        "</efi:allocationDelay><efi:deviceDescription><efi:deviceClass>Washing Machine</efi:deviceClass>"
        "<efi:serialNumber>4711</efi:serialNumber><efi:label>The old one</efi:label></efi:deviceDescription>",
    ),
]
"""The schema refuses these."""

AGAIN = (
    "<efi:possibleTransition><efi:toRunningMode>2</efi:toRunningMode><efi:startTimerIds/><efi:blockingTimerIds/>"
    "<efi:transitionCosts>0</efi:transitionCosts></efi:possibleTransition></efi:possibleTransitions>"
)
TIMER = "<efi:timer><efi:timerId>1</efi:timerId><efi:timerLabel/><efi:duration>PT1M</efi:duration></efi:timer>"

STARTED_AGAIN = (
    "<efi:sequentialProfileAllocation><efi:sequenceNr>2</efi:sequenceNr><efi:startTime>2016-10-11T15:05:00"
    "</efi:startTime></efi:sequentialProfileAllocation></efi:sequentialProfileAllocations>"
)

DOUBTFUL: list[tuple[str, str, str, str]] = [
    (
        "self_transition",
        "outputAdjustableSystemDescription",
        "<efi:toRunningMode>2<",
        "<efi:toRunningMode>1<",
    ),
    ("unknown_mode", "outputAdjustableSystemDescription", "<efi:toRunningMode>2<", "<efi:toRunningMode>7<"),
    (
        "unknown_timer",
        "storageSystemDescription",
        "<efi:timerId>1</efi:timerId>\n                ",
        "<efi:timerId>9</efi:timerId>",
    ),
    ("repeated_timer", "outputAdjustableSystemDescription", "</efi:timers>", f"{TIMER}</efi:timers>"),
    ("repeated_transition", "outputAdjustableSystemDescription", "</efi:possibleTransitions>", AGAIN),
    ("unordered_ranges", "storageSystemDescription", "<efi:lowerBound>20<", "<efi:lowerBound>-30<"),
    ("reversed_range", "inFlexibleRegistration", "<efi:upperBound>0<", "<efi:upperBound>-3e3<"),
    ("range_gap", "storageSystemDescription", "<efi:lowerBound>40<", "<efi:lowerBound>41<"),
    ("unordered_bounds", "inFlexibileForecast", ">800<", ">9500<"),
    ("empty_element", "inFlexibileForecast", "PT15M", "PT0S"),
    ("unequal_profiles", "inFlexibileForecast", "PT45M", "PT10M"),
    ("repeated_commodity", "outputAdjustableRegistration", ">GAS<", ">ELECTRICITY<"),
    ("long_text", "storageRegistration", "heating rod", "rod " * 60),
    ("finer_time", "controlSpaceRevoke", "12:00:00<", "12:00:00.1234567Z<"),
    ("finer_time", "timeShiftableRegistration", "PT1M30S", "PT1M30.1234567S"),
    ("range_gap", "storageSystemDescription", "<efi:upperBound>40<", "<efi:upperBound>45<"),
    ("empty_range", "storageSystemDescription", "<efi:upperBound>60<", "<efi:upperBound>40<"),
    ("unfinished_number", "storageStateUpdate", ">45.5<", ">45e<"),
    ("deadline", "timeShiftableUpdate", "2016-10-11T20:00:00", "2016-10-11T12:30:00"),
    ("repeated", "outputAdjustableSystemDescription", "<efi:runningModeId>2<", "<efi:runningModeId>1<"),
    ("repeated", "storageRegistration", "<efi:actuatorId>2<", "<efi:actuatorId>1<"),
    ("repeated", "storageRegistration", "<efi:actuatorId>2<", "<efi:actuatorId>+01<"),
    ("repeated", "timeShiftableAllocation", "</efi:sequentialProfileAllocations>", STARTED_AGAIN),
    ("repeated_range", "storageSystemDescription", "<efi:lowerBound>40<", "<efi:lowerBound>-20<"),
    ("calendar_time", "timeShiftableRegistration", "PT1M30S", "P1M"),
    ("calendar_time", "timeShiftableRegistration", "PT1M30S", "P1Y2M3DT10H30M"),
    ("repeated", "timeShiftableUpdate", "<efi:sequenceNr>2<", "<efi:sequenceNr>1<"),
    ("repeated_id", "allocationStatusUpdate", ">message-003<", ">message-009<"),
    ("zoneless_time", "controlSpaceRevoke", "<efi:", "<efi:"),
]
"""The schema allows these."""


@pytest.mark.parametrize(("leniency", "name", "before", "after"), FORGIVEN)
def test_what_the_schema_refuses_is_read_where_a_leniency_covers_it(
    leniency: str, name: str, before: str, after: str
) -> None:
    text = changed(name, before, after)
    assert not official(text)
    told = read(text)
    assert leniency in {each.name for each in told.leniencies}
    written = InterimCodec().write(told.messages)
    for document in written.messages:
        assert official(render(document))
        assert read(render(document)).messages == told.messages or "device_class" in {
            loss.path for loss in written.losses
        }


@pytest.mark.parametrize(("leniency", "name", "before", "after"), DOUBTFUL)
def test_what_makes_no_sense_is_left_out_and_told(leniency: str, name: str, before: str, after: str) -> None:
    text = changed(name, before, after)
    assert official(text)
    told = read(text)
    assert leniency in {each.name for each in told.leniencies}
    for document in InterimCodec().write(told.messages).messages:
        assert official(render(document))
        assert read(render(document)).messages == told.messages


def test_each_leniency_is_tried() -> None:
    tried = {each[0] for each in (*FORGIVEN, *DOUBTFUL)} | {"head_storage_points"}
    assert {kind.name for kind in declared(LeniencyKind, [shared_leniencies, leniencies])} == tried


def test_what_the_branch_s_head_says_of_a_device_is_taken_over() -> None:
    (registration,) = read(changed(*FORGIVEN[-1][1:])).messages
    assert registration.type == "time_shiftable_registration"
    assert registration.device_class is DeviceClass.WASHING_MACHINE
    assert (registration.serial_number, registration.name) == ("4711", "The old one")


def test_ids_that_are_no_xml_names_come_as_they_stand() -> None:
    (revoke,) = read(changed("controlSpaceRevoke", ID, "<efi:messageId>urn:uuid:0f8fad5b<")).messages
    assert revoke.message_id == "urn:uuid:0f8fad5b"


POINTS = """<efi:mutualExclusiveStorageOptions><efi:storageOption><efi:storageId>1</efi:storageId>
<efi:storageBehaviourElement efi:type="{kind}"><efi:fillLevel>0</efi:fillLevel>
<efi:fillingRatePerSecond>0.02</efi:fillingRatePerSecond>
<efi:electricityConsumption>2000</efi:electricityConsumption></efi:storageBehaviourElement>
<efi:storageBehaviourElement efi:type="{kind}"><efi:fillLevel>50</efi:fillLevel>
<efi:fillingRatePerSecond>0.01</efi:fillingRatePerSecond>
<efi:electricityConsumption>2500</efi:electricityConsumption></efi:storageBehaviourElement>
{more}</efi:storageOption></efi:mutualExclusiveStorageOptions>"""


def of_head(kind: str, more: str = "") -> str:
    text = example("storageSystemDescription").decode()
    begin = text.index("<efi:runningModeBehaviour>")
    end = text.index("</efi:runningModeBehaviour>") + len("</efi:runningModeBehaviour>")
    return text[:begin] + POINTS.format(kind=kind, more=more) + text[end:]


def test_modes_that_are_told_point_by_point_are_read_where_there_is_one_storage() -> None:
    discrete = read(of_head("discrete"))
    assert "head_storage_points" in {each.name for each in discrete.leniencies}
    description = discrete.messages[0]
    assert description.type == "storage_system_description"
    (element,) = description.actuators[0].modes[0].elements
    assert element.fill_level_range == NumberRange(lower=0, upper=50)
    assert element.at_upper is None
    continuous = read(of_head("continuous")).messages[0]
    assert continuous.type == "storage_system_description"
    upper = continuous.actuators[0].modes[0].elements[0].at_upper
    assert upper is not None
    assert upper.fill_rate.end == 0.01
    with pytest.raises(InvalidXmlError):
        read(of_head("discrete", "<efi:storageId>2</efi:storageId>"))


# Refusals -------------------------------------------------------------------------------------------------------------

REFUSED: list[tuple[str, str, str, str, str]] = [
    ("not_a_number", "storageStateUpdate", ">45.5<", ">45,5<", "currentFillLevel"),
    ("missing_element", "outputAdjustableRegistration", "supportedCommodities", "supported", "outputAdjustableReg"),
    ("not_an_instant", "controlSpaceRevoke", "2016-10-11T12:00:00", "11-10-2016", "timestamp"),
    ("not_a_duration", "timeShiftableRegistration", "PT1M30S", "90", "allocationDelay"),
    ("not_a_name", "controlSpaceRevoke", "message-001", "message 1", "messageId"),
]


@pytest.mark.parametrize(("rule", "name", "before", "after", "where"), REFUSED)
def test_what_no_leniency_covers_is_refused_with_path_value_and_rule(
    rule: str, name: str, before: str, after: str, where: str
) -> None:
    text = changed(name, before, after)
    assert not official(text)
    with pytest.raises(InvalidXmlError) as refused:
        read(text)
    rules = {refusal.rule for refusal in refused.value.refusals}
    assert rule in rules or "unexpected_element" in rules
    assert where in refused.value.refusals[0].path
    assert refused.value.refusals[0].cure


SENSELESS: list[tuple[str, str, str, str]] = [
    ("number_out_of_range", "storageStateUpdate", ">45.5<", ">NaN<"),
    ("number_out_of_range", "storageStateUpdate", ">45.5<", ">1e300<"),
    ("duration_too_long", "timeShiftableRegistration", "PT1M30S", "P101Y"),
    ("negative_duration", "timeShiftableRegistration", "PT1M30S", "-PT1S"),
]


@pytest.mark.parametrize(("rule", "name", "before", "after"), SENSELESS)
def test_what_the_schema_allows_and_nobody_can_mean_is_told_apart(
    rule: str, name: str, before: str, after: str
) -> None:
    text = changed(name, before, after)
    assert official(text)
    with pytest.raises(SenselessXmlError) as refused:
        read(text)
    assert rule in {refusal.rule for refusal in refused.value.refusals}


def test_what_strangers_should_not_send_is_not_read() -> None:
    text = example("controlSpaceRevoke").decode()
    head, root = text.split("?>", 1)
    for bad in ('<!DOCTYPE a [<!ENTITY b "c">]>', '<?xml-stylesheet href="a.xsl"?>'):
        with pytest.raises(UnreadableXmlError):
            read(f"{head}?>{bad}{root}")


def test_what_is_forgiven_again_and_again_is_told_in_bounded_room() -> None:
    data = example("outputAdjustableStateUpdate").decode()
    before, update, after = data.partition("<efi:timerUpdate>")
    update, end, after = (update + after).partition("</efi:timerUpdate>")
    told = read(before + f"{update}{end}" * 500 + after).leniencies
    assert len(told) == 101
    assert told[-1].name == "more_of_these"


def test_gas_that_is_not_told_is_lost_of_each_element_also_where_none_flows() -> None:
    elements = tuple(
        ForecastElement(
            duration=timedelta(hours=1),
            values=(
                UncertainPower(quantity=CommodityQuantity.HEAT_POWER, expected=1.0),
                UncertainPower(quantity=CommodityQuantity.GAS_FLOW, expected=flow),
            ),
        )
        for flow in (0.0, 1.0)
    )
    written = InterimCodec().write([Forecast(**stamp(), valid_from=NOON, elements=elements)])
    assert [loss.path for loss in written.losses] == ["elements.0.values.1", "elements.1.values.1"]
