"""What the reader of EFI 2.0 forgives, each by its name, and what it does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from efi.xml.codec import Generation, read, write
from efi.xml.errors import InvalidXmlError, SenselessXmlError
from tests.efi.xml.efi2_documents import (
    SUPPORTED,
    description,
    document,
    instruction,
    mode,
    registration,
    update,
    way,
)

NOON = "2026-03-29T12:00:00"


def measurement(inner: str = '<efi:electricityMeasurement efi:power="1"/>', at: str = "2026-03-29T01:00:00Z") -> bytes:
    return document("Measurement", f"<efi:measurementTimestamp>{at}</efi:measurementTimestamp>{inner}")


def usage(profile: str) -> bytes:
    return update("StorageUsageForecast", f"<efi:usageForecast>{profile}</efi:usageForecast>")


ELECTRIC = '<efi:electricityProfile><efi:element efi:duration="PT1H" efi:power="1"/></efi:electricityProfile>'
BANDS = 'efi:the95PPRLower="{}" efi:the68PPRLower="{}" efi:expected="{}" efi:the68PPRUpper="{}" efi:the95PPRUpper="{}"'
TWO_MODES = mode(1, (0, 100)) + mode(2, (0, 100))
TWICE = SUPPORTED.replace("</efi:supp", "<efi:commodityType>ELECTRICITY</efi:commodityType></efi:supp")
STATUS = "<efi:currentFillLevel>50</efi:currentFillLevel>"

ALTERNATIVE = f'<efi:sequentialProfileAlternative efi:alternativeNr="1">{ELECTRIC}</efi:sequentialProfileAlternative>'
STEP = (
    '<efi:sequentialProfile efi:sequenceNr="1"><efi:maxIntervalBefore>PT0S</efi:maxIntervalBefore>'
    f"<efi:sequentialProfileAlternatives>{ALTERNATIVE}</efi:sequentialProfileAlternatives></efi:sequentialProfile>"
)
START = (
    "<efi:sequentialProfileInstruction><efi:sequenceNr>1</efi:sequenceNr><efi:alternativeNr>1</efi:alternativeNr>"
    "<efi:startTime>2026-03-29T02:00:00Z</efi:startTime></efi:sequentialProfileInstruction>"
)
STARTED_TWICE = f"<efi:sequentialProfileInstructions>{START * 2}</efi:sequentialProfileInstructions>"
ACTUATOR = (
    '<efi:actuatorStatus efi:actuatorId="0"><efi:currentRunningMode>0</efi:currentRunningMode></efi:actuatorStatus>'
)
ACTUATORS = (
    "<efi:fillLevelLabel/><efi:fillLevelUnit/><efi:actuators>"
    + '<efi:actuator efi:id="1"><efi:supportedCommodity>GAS</efi:supportedCommodity></efi:actuator>' * 2
    + "</efi:actuators>"
)
TIMER = '<efi:timer efi:id="1" efi:label="" efi:duration="PT1M"/>'


def work(steps: str, until: str = "2026-03-29T09:00:00Z") -> str:
    return f"<efi:endBefore>{until}</efi:endBefore><efi:sequentialProfiles>{steps}</efi:sequentialProfiles>"


FORGIVEN = {
    "prefixless_attribute": [measurement('<efi:electricityMeasurement power="1"/>')],
    "zoneless_time": [measurement(at=NOON), document("FlexibilityRevoke", "", at=NOON)],
    "deadline": [
        update("ShiftableUpdate", work(STEP, until="2026-03-29T01:00:01Z")),
    ],
    "old_root": [
        update("StorageStateUpdate", STATUS),
        update(
            "StorageTargetProfileUpdate",
            '<efi:targetProfile><efi:element efi:duration="PT1H" efi:fillLevelLowerBound="1" '
            'efi:fillLevelUpperBound="2"/></efi:targetProfile>',
        ),
    ],
    "old_name": [
        usage('<efi:usageProfile><efi:element efi:duration="PT1H" efi:usage="1"/></efi:usageProfile>'),
        usage('<efi:usageProfile><efi:element efi:duration="PT1H" usage="1"/></efi:usageProfile>'),
        usage(
            f'<efi:usageProbabilityProfile><efi:usageElement efi:duration="PT1H" {BANDS.format(1, 2, 3, 4, 5)}/>'
            "</efi:usageProbabilityProfile>"
        ),
        description(mode(1, (0, 100), power="electricityConsumption"), transitions=way(1, 1)),
        description(TWO_MODES, transitions=way(1, 2, 'efi:transitionTime="PT1M"')),
        update(
            "StorageStateUpdate",
            f'{STATUS}<efi:actuatorUpdates><efi:actuatorUpdate efi:actuatorId="1"><efi:currentRunningMode>1'
            "</efi:currentRunningMode></efi:actuatorUpdate></efi:actuatorUpdates>",
        ),
    ],
    "old_start_time": [
        update(
            "StorageFillLevelTargetProfile",
            '<efi:targetProfile efi:startTime="2026-03-29T03:00:00Z"><efi:element efi:duration="PT1H" '
            'efi:fillLevelLowerBound="1" efi:fillLevelUpperBound="2"/></efi:targetProfile>',
        )
    ],
    "spelling": [
        registration("InflexibleRegistration", SUPPORTED, device_class="Gas Heater"),
        registration("InflexibleRegistration", SUPPORTED, device_class="gas geater"),
        registration("InflexibleRegistration", SUPPORTED, currency="euro"),
        registration("InflexibleRegistration", SUPPORTED.replace("ELECTRICITY", "electricity")),
    ],
    "currency": [registration("InflexibleRegistration", SUPPORTED, currency="CZK")],
    "no_transitions": [
        description(TWO_MODES),
        update(
            "AdjustableSystemDescription",
            '<efi:runningModes><efi:discreteRunningMode efi:id="1" efi:label=""/></efi:runningModes><efi:transitions/>',
        ),
    ],
    "no_timer_updates": [update("AdjustableStatus", "<efi:currentRunningModeId>1</efi:currentRunningModeId>")],
    "no_version": [measurement().replace(b'efi:efiVersion="2.0"', b"")],
    "padded": [
        measurement(at=" 2026-03-29T01:00:00Z\n"),
        measurement().replace(b"fridge-1", b"\n  fridge-1\n"),
        registration("InflexibleRegistration", SUPPORTED, device_class=" Freezer "),
    ],
    "unfinished_number": [
        measurement('<efi:electricityMeasurement efi:power="1e"/>'),
        registration("InflexibleRegistration", SUPPORTED).replace(b"PT5S", b"PT1M.5S"),
        registration("InflexibleRegistration", SUPPORTED).replace(b"PT5S", b"PT5.S"),
    ],
    "finer_time": [measurement(at="2026-03-29T01:00:00.1234567Z")],
    "long_text": [
        registration("StorageRegistration", "").replace(
            b"</efi:deviceDescription>",
            b"<efi:label>two\nlines</efi:label></efi:deviceDescription><efi:fillLevelLabel/>",
            1,
        ).replace(
            b"</efi:StorageRegistration>",
            b'<efi:fillLevelUnit/><efi:actuators><efi:actuator efi:id="1"><efi:supportedCommodity>GAS'
            b"</efi:supportedCommodity></efi:actuator></efi:actuators></efi:StorageRegistration>",
        ),
    ],
    "self_transition": [description(TWO_MODES, transitions=way(1, 1, 'efi:transitionCost="1"') + way(1, 2))],
    "unknown_mode": [description(TWO_MODES, transitions=way(1, 2) + way(1, 7))],
    "unknown_timer": [
        description(
            TWO_MODES,
            transitions=way(1, 2, inner='<efi:startTimers><efi:timerReference efi:timerId="9"/></efi:startTimers>'),
        )
    ],
    "repeated": [
        description(TWO_MODES, transitions=way(1, 2) + way(1, 2)),
        registration("InflexibleRegistration", TWICE),
        description(mode(1, (0, 1)) + mode("+1", (0, 1)), transitions=way(1, 1)),
        registration("StorageRegistration", ACTUATORS),
        update("StorageStatus", f"{STATUS}<efi:actuatorStatuses>{ACTUATOR * 2}</efi:actuatorStatuses>"),
        update("ShiftableUpdate", work(STEP * 2)),
        update("ShiftableUpdate", work(STEP.replace(ALTERNATIVE, ALTERNATIVE * 2))),
        instruction("ShiftableInstruction", STARTED_TWICE),
        update(
            "AdjustableSystemDescription",
            '<efi:runningModes><efi:discreteRunningMode efi:id="0" efi:label="a"/><efi:discreteRunningMode efi:id="0" '
            f'efi:label="b"/></efi:runningModes><efi:timers>{TIMER * 2}</efi:timers>'
            f"<efi:transitions>{way(0, 0)}</efi:transitions>",
        ),
    ],
    "repeated_range": [description(mode(1, (0, 1), (0, 2)), transitions=way(1, 1))],
    "calendar_time": [
        registration("InflexibleRegistration", SUPPORTED).replace(b"PT5S", b"P1M"),
        registration("InflexibleRegistration", SUPPORTED).replace(b"PT5S", b"P1Y2M3DT10H30M"),
    ],
    "reversed_range": [description(mode(1, (100, 0)), transitions=way(1, 1))],
    "range_gap": [description(mode(1, (0, 20), (21, 100)), transitions=way(1, 1))],
    "unordered_ranges": [description(mode(1, (50, 100), (0, 50)), transitions=way(1, 1))],
    "empty_range": [description(mode(1, (0, 50), (50, 50), (50, 100)), transitions=way(1, 1))],
    "unordered_bounds": [
        usage(
            f'<efi:usageProbabilityProfile><efi:usageRateElement efi:duration="PT1H" {BANDS.format(5, 4, 3, 2, 1)}/>'
            "</efi:usageProbabilityProfile>"
        )
    ],
    "empty_element": [
        usage(
            '<efi:usageProfile><efi:element efi:duration="PT0S" efi:usageRate="1"/>'
            '<efi:element efi:duration="PT1S" efi:usageRate="1"/></efi:usageProfile>'
        )
    ],
    "unequal_profiles": [
        update(
            "InflexibleForecast",
            f'<efi:forecastProfiles>{ELECTRIC}<efi:gasProfile><efi:element efi:duration="PT2H" efi:flowRate="1"/>'
            "</efi:gasProfile></efi:forecastProfiles>",
        ),
        update(
            "InflexibleForecast",
            f'<efi:forecastProfiles>{ELECTRIC}<efi:heatProfile><efi:element efi:duration="PT30M" efi:temperature="1"/>'
            "</efi:heatProfile></efi:forecastProfiles>",
        ),
    ],
    "one_sided_quantity": [
        update(
            "AdjustableSystemDescription",
            '<efi:runningModes><efi:continuousRunningMode efi:id="1" efi:label=""><efi:lowerBound>'
            "<efi:electricalPower>1</efi:electricalPower></efi:lowerBound><efi:upperBound/>"
            f"</efi:continuousRunningMode></efi:runningModes><efi:transitions>{way(1, 1)}</efi:transitions>",
        )
    ],
    "one_sided_target": [
        update(
            "StorageFillLevelTargetProfile",
            '<efi:targetProfile><efi:element efi:duration="PT1H" efi:fillLevelLowerBound="1" '
            'efi:fillLevelUpperBound="INF"/></efi:targetProfile>',
        )
    ],
    "not_a_number": [
        measurement('<efi:electricityMeasurement efi:power="1"/><efi:heatMeasurement efi:temperature="NaN"/>')
    ],
    "several_options": [
        update(
            "InflexibleCurtailmentOptions",
            "<efi:curtailmentOptions>"
            + "".join(
                f'<efi:curtailmentOption efi:curtailmentQuantity="ELECTRICITY.POWER"><efi:curtailmentRange '
                f'efi:lowerBound="{lower}" efi:upperBound="0"/></efi:curtailmentOption>'
                for lower in (-1000, -2000)
            )
            + "</efi:curtailmentOptions>",
        )
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "data"), [(name, data) for name, documents in FORGIVEN.items() for data in documents])
def test_it_is_read_and_told_by_name(name: str, data: bytes) -> None:
    told = read(data)
    assert name in [leniency.name for leniency in told.leniencies], told.leniencies
    for leniency in told.leniencies:
        assert leniency.reading
        assert leniency.path
    again = write(told.messages[0], Generation.EFI_2)
    reread = read(again.messages[0].encode())
    assert not [each for each in reread.leniencies if each.name != "currency"]


def test_a_name_of_a_draft_may_stand_as_often_as_the_schema_s_own() -> None:
    elements = f'<efi:usageElement duration="PT1H" {BANDS.format(1, 2, 3, 4, 5)}/>' * 300
    data = usage(f"<efi:storageUsageProbabilityProfile>{elements}</efi:storageUsageProbabilityProfile>")
    told = read(
        data.replace(b"StorageUsageForecast", b"StorageUsageForecastUpdate").replace(
            b"usageForecast", b"storageUsageForecast"
        )
    )
    assert len(told.messages[0].elements) == 300  # type: ignore[union-attr]
    assert {leniency.name for leniency in told.leniencies} >= {"old_root", "old_name", "prefixless_attribute"}


def test_a_start_of_a_draft_s_target_profile_leaves_the_time_before_it_free() -> None:
    (message,) = read(FORGIVEN["old_start_time"][0]).messages
    assert [(each.duration, each.fill_level_range is None) for each in message.elements] == [  # type: ignore[union-attr]
        (timedelta(hours=2), True),
        (timedelta(hours=1), False),
    ]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-29T24:00:00Z", datetime(2026, 3, 30, tzinfo=UTC)),
        ("2026-03-29T02:00:00+02:00", datetime(2026, 3, 29, tzinfo=UTC)),
        ("2026-03-29T02:00:00-14:00", datetime(2026, 3, 29, 16, tzinfo=UTC)),
        ("2026-03-29T02:00:00.5", datetime(2026, 3, 29, 2, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-03-29T02:00:00.1234567Z", datetime(2026, 3, 29, 2, 0, 0, 123_456, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_instants(text: str, instant: datetime) -> None:
    (message,) = read(measurement(at=text)).messages
    assert message.measured_at == instant  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (measurement(at="12026-01-01T00:00:00Z"), "instant_out_of_range"),
        (measurement(at="-2026-01-01T00:00:00Z"), "instant_out_of_range"),
        (measurement(at="9999-12-31T24:00:00Z"), "instant_out_of_range"),
        (measurement(at="9500-01-01T00:00:00Z"), "instant_out_of_range"),
        (registration("InflexibleRegistration", SUPPORTED).replace(b"PT5S", b"-PT5S"), "negative_duration"),
        (registration("InflexibleRegistration", SUPPORTED).replace(b"PT5S", b"P40000D"), "duration_too_long"),
        (measurement('<efi:electricityMeasurement efi:power="INF"/>'), "number_out_of_range"),
        (measurement('<efi:electricityMeasurement efi:power="1E16"/>'), "number_out_of_range"),
        (measurement(""), "empty_measurement"),
        (update("InflexibleForecast", "<efi:forecastProfiles/>"), "empty_profiles"),
        (description(TWO_MODES, transitions=way(1, 2, 'efi:transitionCost="NaN"')), "not_finite"),
        (registration("InflexibleRegistration", SUPPORTED).replace(b"PT5S", b"P101Y"), "duration_too_long"),
    ],
)
def test_what_its_schema_allows_and_makes_no_sense_is_refused_by_rule(data: bytes, rule: str) -> None:
    with pytest.raises(SenselessXmlError) as refused:
        read(data)
    (refusal, *_) = refused.value.refusals
    assert refusal.rule == rule
    assert refusal.path
    assert refusal.cure


@pytest.mark.parametrize(
    ("data", "rule", "path"),
    [
        (measurement("<efi:gasMeasurement/>"), "missing_attribute", "Measurement/gasMeasurement/@flowRate"),
        (
            measurement('<efi:electricityMeasurement efi:power="one"/>'),
            "not_a_number",
            "Measurement/electricityMeasurement/@power",
        ),
        (measurement('<efi:electricityMeasurement efi:power="1" efi:unit="W"/>'), "unexpected_attribute", None),
        (measurement().replace(b"fridge-1", b"f"), "pattern_mismatch", "Measurement/header/efiResourceId"),
        (document("StorageLevel", ""), "unknown_root", "StorageLevel"),
        (description(mode(1, (0, 1), power="gasConsumption"), transitions=way(1, 1)), "unexpected_element", None),
        (registration("InflexibleRegistration", SUPPORTED, currency="gold"), "not_listed", None),
        (registration("InflexibleRegistration", SUPPORTED, device_class="Toaster"), "not_listed", None),
        (instruction("AdjustableInstruction", ""), "missing_element", "AdjustableInstruction"),
        (measurement().replace(b'efiVersion="2.0"', b'efiVersion="3.0"'), "not_fixed_value", "Measurement/@efiVersion"),
    ],
)
def test_what_no_leniency_covers_is_refused_by_rule_and_path(data: bytes, rule: str, path: str | None) -> None:
    with pytest.raises(InvalidXmlError) as refused:
        read(data)
    found: dict[str, Any] = {refusal.rule: refusal.path for refusal in refused.value.refusals}
    assert rule in found
    assert path in (None, found[rule])
