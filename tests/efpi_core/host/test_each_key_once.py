"""A frame in which an object has a key twice is refused, also when one of its form was found in order before."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efi.messages import MESSAGE_CLASSES
from efpi_core.host import each_key_once
from efpi_core.host.each_key_once import EachKeyOnce
from efpi_core.host.frame_error import FrameError
from efpi_core.host.frames import Deliver, FromInstance, Observed, Publish, Say, Store
from efpi_core.host.framing import LARGEST_FROM_INSTANCE, Decoder, Encoder, from_instance_adapter
from tests.efi.house import battery_state

FRAMES: list[FromInstance] = [
    Say("battery", battery_state()),
    Publish("battery.power", 5.0, battery_state().timestamp),
    Store("x", {"a": [{"b": 1}]}, durable=False),
]


def payload_of(frame: FromInstance) -> bytes:
    return Encoder(from_instance_adapter(), LARGEST_FROM_INSTANCE).encode(frame)[4:]


def objects(value: Any) -> list[dict[str, Any]]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] * isinstance(value, dict) + [each for part in inner for each in objects(part)]


class Twice(dict[str, Any]):
    """An object that says one of its keys once more."""

    def __init__(self, said: dict[str, Any], key: str) -> None:
        super().__init__(said)
        self.key = key


def written(value: Any) -> str:
    if isinstance(value, dict):
        pairs = [*value.items(), *([(value.key, value[value.key])] if isinstance(value, Twice) else ())]
        return "{" + ",".join(f"{json.dumps(key)}:{written(part)}" for key, part in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


def with_repeated(value: Any, target: dict[str, Any], key: str) -> Any:
    if isinstance(value, dict):
        told = {name: with_repeated(part, target, key) for name, part in value.items()}
        return Twice(told, key) if value is target else told
    return [with_repeated(part, target, key) for part in value] if isinstance(value, list) else value


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FRAMES), st.data())
def test_a_repeated_key_anywhere_is_refused(frame: FromInstance, data: st.DataObject) -> None:
    decoder = Decoder(from_instance_adapter(), LARGEST_FROM_INSTANCE)
    payload = payload_of(frame)
    for _ in range(2):
        assert decoder.decode(payload) == frame
    read = json.loads(payload)
    found = data.draw(st.sampled_from(objects(read)))
    broken = written(with_repeated(read, found, data.draw(st.sampled_from(sorted(found))))).encode()
    for _ in range(2):
        with pytest.raises(FrameError, match="twice") as refused:
            decoder.decode(broken)
        assert refused.value.rule == "unfit"
    assert decoder.decode(payload) == frame


def test_what_varies_is_in_no_key_of_the_frames_that_are_remembered() -> None:
    """So that frames of one form have the same keys."""
    names = {name for message in MESSAGE_CLASSES.values() for name in _names(message.model_json_schema())}
    for frame in (Say, Deliver, Publish, Observed):
        names |= set(frame.__dataclass_fields__)
    assert len(names) > 100
    once, forms = EachKeyOnce(), set()
    for name in names:
        once.check(f'{{"{name}":1}}'.encode(), Say)
        forms |= once._known
    assert len(forms) == len(names), "two keys are one in the forms"


def _names(schema: Any) -> set[str]:
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    own = set(schema.get("properties", ())) if isinstance(schema, dict) else set()
    if isinstance(schema, dict):
        assert schema.get("additionalProperties") in (None, False), "an object with keys of its own"
    return own.union(*map(_names, parts))


def test_forms_are_bounded_in_number_and_in_length() -> None:
    once = EachKeyOnce()
    for number in range(each_key_once.MOST_FORMS * 2):
        once.check(json.dumps({"op": "say", "text": "a" * number}).encode(), Say)
    once.check(json.dumps({"op": "say", "text": "a" * each_key_once.LARGEST_FORM}).encode(), Say)
    assert 0 < len(once._known) <= each_key_once.MOST_FORMS
    assert max(map(len, once._known)) <= each_key_once.LARGEST_FORM


def test_a_text_with_a_quotation_mark_is_looked_at_each_time() -> None:
    once = EachKeyOnce()
    tricky = rb'{"op":"say","text":"\\",\"op\":\""}'
    for _ in range(2):
        with pytest.raises(FrameError):
            once.check(tricky + b"}", Say)
    assert not once._known


def test_all_frames_of_an_instance_are_known() -> None:
    assert {type(frame) for frame in FRAMES} <= set(get_args(FromInstance)), "or they are tested for nothing"
