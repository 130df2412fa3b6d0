"""Every message goes to JSON and back unchanged, and its JSON fits the published schema."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from efi.message import Message
from efi.messages import MESSAGE_CLASSES, MESSAGE_TYPES, dump_message, parse_message
from efi.schema import message_schema
from tests.efi.strategies import MESSAGES, messages

BY_NAME = {message_class.model_fields["type"].default: strategy for message_class, strategy in MESSAGES.items()}

THOROUGH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def validator(message_type: str | None) -> Draft202012Validator:
    schema = message_schema(message_type)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_there_is_a_strategy_for_every_type_of_message() -> None:
    assert set(BY_NAME) == set(MESSAGE_TYPES)
    assert set(MESSAGES) == set(MESSAGE_CLASSES.values())


@pytest.mark.parametrize("message_type", MESSAGE_TYPES)
def test_json_there_and_back_changes_nothing(message_type: str) -> None:
    @THOROUGH
    @given(BY_NAME[message_type])
    def check(message: Any) -> None:
        wire = dump_message(message)
        again = parse_message(wire)
        assert again == message
        assert type(again) is type(message)
        assert dump_message(again) == wire

    check()


@pytest.mark.slow
@pytest.mark.parametrize("message_type", MESSAGE_TYPES)
def test_the_json_of_a_message_fits_its_published_schema(message_type: str) -> None:
    @settings(THOROUGH, max_examples=25)
    @given(BY_NAME[message_type])
    def check(message: Any) -> None:
        told = json.loads(dump_message(message))
        assert [*validator(message_type).iter_errors(told)] == []

    check()


@pytest.mark.slow
@settings(THOROUGH, max_examples=25)
@given(messages)
def test_every_message_fits_the_schema_of_any_message(message: Any) -> None:
    assert [*validator(None).iter_errors(json.loads(dump_message(message)))] == []


@pytest.mark.slow
@settings(THOROUGH, max_examples=150)
@given(messages, st.data())
def test_what_the_schema_refuses_the_parser_refuses_too(message: Message, data: st.DataObject) -> None:
    told = json.loads(dump_message(message))  # type: ignore[arg-type]
    place = data.draw(st.sampled_from(sorted(told)))
    told[place] = data.draw(st.sampled_from([None, True, 5, "", "ü", [], {}, [[]], "0.5", -1]))
    if [*validator(None).iter_errors(told)]:
        with pytest.raises(ValidationError):
            parse_message(json.dumps(told))


def test_the_schema_refuses_a_field_that_does_not_exist() -> None:
    told = {"type": "allocation_revoke", "message_id": "aa", "appliance_id": "bb", "timestamp": "2026-01-01T00:00:00Z"}
    assert validator("allocation_revoke").is_valid(told)
    assert not validator("allocation_revoke").is_valid({**told, "colour": "red"})


def test_every_field_of_every_message_is_described_in_the_schema() -> None:
    schema = message_schema()
    undescribed = [
        f"{name}.{field}"
        for name, model in schema["$defs"].items()
        for field, told in model.get("properties", {}).items()
        if "description" not in told and field != "type"
    ]
    assert undescribed == []


def test_the_schema_says_the_unit_of_each_quantity() -> None:
    described = message_schema("measurement")["$defs"]["CommodityQuantity"]["description"]
    assert "`gas.flow_rate`: m³/s of natural gas." in described


def test_a_schema_of_an_unknown_message_is_refused() -> None:
    with pytest.raises(KeyError):
        message_schema("storage_wish")
