"""What people are told of a broken message: the field, the value, the rule and the cure, and never anything hostile."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import efi
from efi.errors import LONGEST_VALUE, UNKNOWN_CURE, WORDS, faults, path_of, shown
from efi.messages import MESSAGE, MESSAGE_CLASSES, dump_message, parse_message
from efi.refusal import Refusal, listed
from tests.efi.house import battery_state, measurement
from tests.efi.strategies import MESSAGES

SOURCES = sorted(Path(efi.__file__).parent.glob("*.py"))


def found(wire: bytes | str) -> list[Refusal]:
    with pytest.raises(ValidationError) as error:
        parse_message(wire)
    return faults(error.value)


def changed(**fields: Any) -> bytes:
    told = json.loads(dump_message(battery_state("charge", 0.5)))
    return json.dumps(told | fields).encode()


def test_a_fault_names_field_value_rule_and_cure() -> None:
    (fault,) = found(changed(fill_level="half"))
    assert fault.rule == "float_type"
    assert fault.path == "fill_level"
    assert fault.value == '"half"'
    assert fault.sentence == 'fill_level is "half": it is not a number; write a number, without quotes'


def test_a_fault_within_a_list_is_named_by_its_place() -> None:
    (fault,) = found(changed(actuators=[{"actuator_id": "inverter", "mode_id": "charge", "factor": 7}]))
    assert (fault.path, fault.fact) == ("actuators.0.factor", "it is above 1.0")


def test_every_field_that_is_wrong_is_named() -> None:
    broken = found(changed(fill_level=None, message_id="?", colour="red"))
    assert {fault.path for fault in broken} == {"fill_level", "message_id", "colour"}


def test_a_missing_field_has_no_value_to_show() -> None:
    told = json.loads(dump_message(measurement()))
    del told["measured_at"]
    (fault,) = found(json.dumps(told))
    assert fault.sentence == "measured_at: this field is missing; give it"


def test_a_rule_of_the_interface_brings_its_own_words() -> None:
    (fault,) = found(changed(actuators=2 * [{"actuator_id": "inverter", "mode_id": "idle"}]))
    assert fault.rule == "repeated_id"
    assert fault.fact == "two actuators are called 'inverter'"
    assert fault.cure == "give each a name of its own"


@pytest.mark.parametrize(
    ("wire", "rule"),
    [
        (b"", "json_invalid"),
        (b"{", "json_invalid"),
        (b"\xff\xfe", "json_invalid"),
        (b"[]", "dict_type"),
        (b"null", "dict_type"),
        (b"{}", "union_tag_not_found"),
        (b'{"type":"storage_wish"}', "union_tag_invalid"),
        (b'{"type":7}', "union_tag_invalid"),
    ],
)
def test_what_is_no_message_at_all_is_named(wire: bytes, rule: str) -> None:
    (fault,) = found(wire)
    assert fault.rule == rule
    assert fault.cure


def test_nothing_hostile_reaches_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\n\x7f\x9b\u202e" + "A" * 10_000
    for wire in (changed(type=evil), changed(message_id=evil), changed(**{evil: 1}), changed(fill_level=evil)):
        for fault in found(wire):
            assert fault.sentence.isprintable()
            assert len(fault.sentence) < 3 * LONGEST_VALUE + 1500


def test_a_value_that_is_no_json_can_be_shown() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert shown(circle) == "[[...]]"
    assert shown(float("nan")) == "NaN"
    assert shown({"a", "b"}).startswith('"{')


def test_a_path_begins_after_the_type_of_message() -> None:
    assert path_of(("measurement", "values", 0, "value")) == "values.0.value"
    assert path_of(()) == ""


def test_every_rule_that_a_message_can_break_has_words_of_ours() -> None:
    """The rules are read from the built validators, so that a new field cannot bring one without words."""
    rules = {error_type for _, error_type in _breakages()}
    ours = {rule for rule, _ in _own_rules()}
    assert rules - ours <= WORDS.keys(), rules - ours - WORDS.keys()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(MESSAGE_CLASSES)), st.data())
def test_every_fault_of_a_spoiled_message_has_a_cure(message_type: str, draw: st.DataObject) -> None:
    message = draw.draw(MESSAGES[MESSAGE_CLASSES[message_type]])
    told = json.loads(dump_message(message))
    place = draw.draw(st.sampled_from(sorted(told)))
    told[place] = draw.draw(st.sampled_from([None, True, 7, -7, 1e40, "", "no", [], {}, [7], [{}], [[]]]))
    try:
        parse_message(json.dumps(told))
    except ValidationError as error:
        for fault in faults(error):
            assert fault.cure
            assert fault.cure != UNKNOWN_CURE, fault.rule
            assert "{" not in fault.fact + fault.cure or "{" in str(fault.value)


def test_every_rule_of_ours_tells_its_cure() -> None:
    rules = [*_own_rules()]
    assert len(rules) > 15
    for rule, sentence in rules:
        assert "; " in sentence, f"{rule} has no cure"


def test_a_long_list_of_names_is_cut() -> None:
    assert listed([]) == "(none)"
    assert listed(["b", "a"]) == "a, b"
    assert listed(range(100)).endswith("and 88 more")


def _own_rules() -> list[tuple[str, str]]:
    """Each rule that is raised by `violated`, with its sentence, as the source has them."""
    rules = []
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "violated":
                rule, sentence = node.args[:2]
                assert isinstance(rule, ast.Constant)
                assert isinstance(sentence, ast.Constant)
                rules.append((str(rule.value), str(sentence.value)))
    return rules


def _breakages() -> list[tuple[str, str]]:
    """What goes wrong when each field of each message is, in turn, every wrong kind of thing."""
    texts = ["", "\x00", "no", "x" * 5000, "9" * 50, "0." + "9" * 40]
    wrong: list[Any] = [None, True, 7, -7, 1e400, 10**40, *texts, [], {}, [7], [{}], [[]]]
    breakages = []
    for message_type, message_class in MESSAGE_CLASSES.items():
        for field in message_class.model_fields:
            for value in wrong:
                try:
                    MESSAGE.validate_json(json.dumps({"type": message_type, field: value}), strict=True)
                except ValidationError as error:
                    breakages += [(field, detail["type"]) for detail in error.errors()]
    return breakages
