"""Bytes that are no message are refused with the ReceptionStatus that they deserve, and told what is wrong."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efi.s2.codec import LARGEST_MESSAGE, MessageRefused, dump, parse
from efi.s2.common import CommodityQuantity, PowerRange, Timer, Transition
from efi.s2.conversation import ReceptionStatus, ReceptionStatusValues
from efi.s2.frbc import FRBCStorageStatus
from efi.s2.messages import AnyS2Message
from efi.s2.ombc import OMBCOperationMode, OMBCSystemDescription, OMBCTimerStatus
from efi.s2.profile import Profile
from tests.efi.s2.official_schema import documents

INVALID_DATA = ReceptionStatusValues.INVALID_DATA
INVALID_MESSAGE = ReceptionStatusValues.INVALID_MESSAGE


def status(**changed: object) -> bytes:
    fields = {"message_type": "FRBC.StorageStatus", "message_id": "m1", "present_fill_level": 1, **changed}
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


def refusal_of(data: bytes | str, profile: Profile = Profile.BETA) -> MessageRefused:
    with pytest.raises(MessageRefused) as caught:
        parse(data, profile)
    return caught.value


@pytest.mark.parametrize(
    ("data", "rule", "subject"),
    [
        (b"", "no_json_object", None),
        (b"[]", "no_json_object", None),
        (b"7", "no_json_object", None),
        (b"null", "no_json_object", None),
        (b"{", "no_json_object", None),
        (b"NaN", "no_json_object", None),
        (b"{}", "missing", None),
        (b"\xff\xfe", "no_json_object", None),
        (b"\xef\xbb\xbf" + status(), "no_json_object", None),
        (status().decode().encode("utf-16"), "no_json_object", None),
        (b"[" * 100_000, "no_json_object", None),
        (b'{"a":' * 100_000, "no_json_object", None),
        (b'{"message_id":"m1","a":' + b"[" * 500 + b"]" * 500 + b"}", "json_invalid", "m1"),
        (status(present_fill_level=float("nan")), "no_json_object", None),
        (status(present_fill_level=float("-inf")), "no_json_object", None),
        (status(message_id=...), "missing", None),
        (status(message_id=7), "string_type", None),
        (status(message_id="a b"), "string_pattern_mismatch", None),
        (status(message_id="a"), "string_pattern_mismatch", None),
        (status(message_id="a" * 65), "string_pattern_mismatch", None),
        (status()[:-1] + b',"message_id":"m1"}', "repeated_key", "m1"),
        (status(label="\ud800"), "json_invalid", "m1"),
        (b" " * (LARGEST_MESSAGE + 1), "too_large", None),
    ],
)
def test_what_is_not_understood_is_invalid_data(data: bytes, rule: str, subject: str | None) -> None:
    refused = refusal_of(data)
    assert (refused.status, refused.refusal.rule, refused.subject_id) == (INVALID_DATA, rule, subject)


def test_text_that_no_utf8_holds_is_invalid_data() -> None:
    refused = refusal_of('{"message_type":"ReceptionStatus","subject_message_id":"m1","status":"\ud800"}')
    assert (refused.status, refused.message_type) == (INVALID_DATA, "ReceptionStatus")


@pytest.mark.parametrize(
    ("data", "rule", "path"),
    [
        (status(present_fill_level=...), "missing", "present_fill_level"),
        (status(present_fill_level="1"), "float_type", "present_fill_level"),
        (status(present_fill_level=True), "float_type", "present_fill_level"),
        (status().replace(b": 1}", b": 1e999}"), "finite_number", "present_fill_level"),
        (status(colour="red"), "extra_forbidden", "colour"),
        (status(message_type="FRBC.StorageState"), "unknown_message", "message_type"),
        (status(message_type=...), "missing", "message_type"),
        (status(message_type=None), "unknown_message", "message_type"),
        (status(message_type="DDBC.PresentDemandStatus"), "unknown_message", "message_type"),
        (status(**{f"colour{number}": 1 for number in range(2000)}), "too_many_faults", ""),
    ],
)
def test_what_the_schema_does_not_allow_is_an_invalid_message(data: bytes, rule: str, path: str) -> None:
    refused = refusal_of(data)
    assert (refused.status, refused.subject_id) == (INVALID_MESSAGE, "m1")
    assert (refused.refusal.rule, refused.refusal.path) == (rule, path)


def test_a_path_leads_through_the_whole_message() -> None:
    document = {
        "message_type": "OMBC.SystemDescription",
        "message_id": "m1",
        "valid_from": "2026-03-29T01:00:00Z",
        "operation_modes": [{"id": "m2", "power_ranges": [{"start_of_range": "x"}], "abnormal_condition_only": False}],
        "transitions": [],
        "timers": [],
    }
    assert refusal_of(json.dumps(document)).refusal.path == "operation_modes.0.power_ranges.0.start_of_range"


def test_a_broken_reception_status_says_what_it_is_so_that_nobody_answers_it() -> None:
    refused = refusal_of(b'{"message_type":"ReceptionStatus","status":"OK"}')
    assert (refused.message_type, refused.subject_id, refused.status) == ("ReceptionStatus", None, INVALID_MESSAGE)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-29T01:00:00Z", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("2026-03-29t01:00:00z", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("2026-03-29 03:00:00.25+02:00", datetime(2026, 3, 29, 1, microsecond=250_000, tzinfo=UTC)),
        ("2026-03-29T01:00Z", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("2026-03-28T22:30:00-0230", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("2026-03-29T01:00:00.123456999Z", datetime(2026, 3, 29, 1, microsecond=123_456, tzinfo=UTC)),
    ],
)
def test_instants_are_read_in_the_spellings_of_peers(text: str, instant: datetime) -> None:
    message = parse(
        json.dumps({"message_type": "OMBC.TimerStatus", "message_id": "m1", "timer_id": "t1", "finished_at": text}),
        Profile.V1,
    )
    assert isinstance(message, OMBCTimerStatus)
    assert message.finished_at == instant


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-29T01:00:00",
        "1774746000",
        "2026-03-29",
        "2026-03-29_01:00:00Z",
        "2026-02-30T01:00:00Z",
        "now",
        "",
        5,
        None,
    ],
)
def test_what_is_no_instant_is_refused(text: object) -> None:
    document = {"message_type": "OMBC.TimerStatus", "message_id": "m1", "timer_id": "t1", "finished_at": text}
    assert refusal_of(json.dumps(document)).refusal.rule == "timestamp"


def test_a_null_is_an_absent_property_and_is_not_written() -> None:
    data = b'{"message_type":"ReceptionStatus","subject_message_id":"m1","status":"OK","diagnostic_label":null}'
    message = parse(data, Profile.V1)
    assert message == ReceptionStatus(subject_message_id="m1", status=ReceptionStatusValues.OK)
    assert b"null" not in dump(message)


@pytest.mark.parametrize("profile", Profile)
def test_text_and_bytes_are_read_alike(profile: Profile) -> None:
    message: AnyS2Message = FRBCStorageStatus(message_id="m1", present_fill_level=0.5)
    assert parse(dump(message), profile) == parse(dump(message).decode(), profile) == message


def test_python_names_are_no_names_on_the_wire() -> None:
    mode = OMBCOperationMode(
        id="on",
        power_ranges=(
            PowerRange(start_of_range=0, end_of_range=9, commodity_quantity=CommodityQuantity.OIL_FLOW_RATE),
        ),
        abnormal_condition_only=False,
    )
    again = Transition(id="t1", from_="on", to="on", start_timers=(), blocking_timers=(), abnormal_condition_only=False)
    written = dump(
        OMBCSystemDescription(
            message_id="d1",
            valid_from=datetime(2026, 3, 29, tzinfo=UTC),
            operation_modes=(mode,),
            transitions=(again,),
            timers=(Timer(id="b1", duration=0),),
        )
    )
    assert b'"from":"on"' in written and b"from_" not in written
    assert refusal_of(written.replace(b'"from"', b'"from_"')).refusal.path == "transitions.0.from"


@settings(max_examples=80)
@given(data=st.data())
def test_a_key_that_stands_twice_is_found_wherever_it_stands(data: st.DataObject) -> None:
    document = data.draw(documents(Profile.BETA))
    places = [place for place in objects_in(document) if place]
    text = json.dumps(document, ensure_ascii=data.draw(st.booleans()))
    assert parse(text, Profile.BETA)
    holder = data.draw(st.sampled_from(places))
    key, value = data.draw(st.sampled_from(sorted(holder.items(), key=str)))
    # One entry stands twice, with or without a gap before its colon.
    mark = "~mark~"
    holder[mark] = value
    twice = json.dumps(document, ensure_ascii=False).replace(
        f'"{mark}":', json.dumps(key) + data.draw(st.sampled_from((":", " :")))
    )
    refused = refusal_of(twice)
    assert refused.refusal.rule == "repeated_key" and refused.status is INVALID_DATA


def objects_in(part: object) -> Iterator[dict[str, object]]:
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from objects_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from objects_in(value)
