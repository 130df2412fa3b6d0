"""Our messages are those of the official schemas: what the schemas accept we read, and nothing else, but for a list."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from efi.s2.codec import MessageRefused, dump, parse
from efi.s2.messages import MESSAGE_CLASSES
from efi.s2.profile import Profile
from tests.efi.s2.official_schema import documents, documents_of, official

EVERY_MESSAGE = [(profile, name) for profile in Profile for name in sorted(official(profile).messages)]

profiles = pytest.mark.parametrize("profile", Profile)


def accepted(document: Any, profile: Profile) -> bool:
    try:
        parse(json.dumps(document), profile)
    except MessageRefused as refused:
        note(str(refused))
        return False
    return True


@profiles
def test_there_is_a_model_for_every_message_of_a_profile_and_no_other(profile: Profile) -> None:
    assert set(MESSAGE_CLASSES[profile]) == set(official(profile).messages)
    assert len(MESSAGE_CLASSES[profile]) == {Profile.BETA: 35, Profile.V1: 36}[profile]


@pytest.mark.parametrize(("profile", "name"), EVERY_MESSAGE)
@settings(max_examples=10)
@given(data=st.data())
def test_what_the_schema_accepts_is_read_and_written_again_unchanged(
    profile: Profile, name: str, data: st.DataObject
) -> None:
    document = data.draw(documents_of(profile, name))
    assert official(profile).accepts(document)
    message = parse(json.dumps(document).encode(), profile)
    assert type(message) is MESSAGE_CLASSES[profile][name]
    written = dump(message)
    assert official(profile).accepts(json.loads(written))
    assert parse(written, profile) == message
    assert _values(json.loads(written)) == _values(document)


def _values(part: Any) -> Any:
    """A document without what may be written otherwise: an instant's offset and its digits after the microsecond."""
    if isinstance(part, dict):
        return {key: _values(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_values(value) for value in part]
    if isinstance(part, str) and len(part) > 18 and part[10] == "T" and part[4] == "-":
        return part[:19]
    return part


# Mutations ------------------------------------------------------------------------------------------------------------

STRANGERS: list[Any] = [
    True, False, 0, 1, -1, -0.5, 1.0, 1e300, "", "a", "ab", "OK", "1", "true", "EUR", "DKK", "CEM", "NOT_CONTROLLABLE",
    "2026-03-29T01:00:00", "2026-03-29", "1774746000", "2026-02-30T00:00:00Z", "ELECTRIC.POWER.L4", "x" * 65,
    "with space", "ÄÖ", [], [1], {}, {"a": 1},
]  # fmt: skip


def _places(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from _places(value, (*path, key))


def _changed(draw: st.DrawFn, document: dict[str, Any]) -> Any:
    changed = copy.deepcopy(document)
    path = draw(st.sampled_from([place for place in _places(changed) if place]))
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    part = holder[path[-1]]
    acts = ["replace", "remove"]
    if isinstance(holder, dict):
        acts += ["add", "rename"]
    if isinstance(part, list):
        acts += ["empty", "lengthen"]
    match draw(st.sampled_from(acts)):
        case "replace":
            holder[path[-1]] = draw(st.sampled_from(STRANGERS))
        case "remove":
            del holder[path[-1]]
        case "add":
            holder[draw(st.sampled_from(("extra", "id", "Id", "diagnostic_label", "from_", "name", "value")))] = 1
        case "rename":
            holder[draw(st.sampled_from(("from_", "id", "Id", "operation_mode_id", "supported_commodities")))] = (
                holder.pop(path[-1])
            )
        case "empty":
            part.clear()
        case "lengthen":
            part.extend(part * draw(st.sampled_from((1, 9, 300, 1001))))
    return changed


@st.composite
def mutations(draw: st.DrawFn, profile: Profile) -> Any:
    """A document that a schema accepts, with one thing changed."""
    return _changed(draw, draw(documents(profile)))


def _ids_are_whole(part: Any, name: str = "") -> bool:
    """Whether all ids fit their pattern as a whole; in the schema it is not anchored."""
    if isinstance(part, dict):
        return all(_ids_are_whole(value, key) for key, value in part.items())
    if isinstance(part, list):
        return all(_ids_are_whole(value, name) for value in part)
    is_id = name.lower().endswith("id") or name in ("from", "to", "start_timers", "blocking_timers", "operation_mode")
    return not (is_id and isinstance(part, str)) or re.fullmatch(r"[a-zA-Z0-9\-_:]{2,64}", part) is not None


def read_as_the_schema_has_it(profile: Profile, data: st.DataObject) -> None:
    document = data.draw(mutations(profile))
    note(json.dumps(document))
    assert accepted(document, profile) == (official(profile).accepts(document) and _ids_are_whole(document))


@profiles
@settings(max_examples=80)
@given(data=st.data())
def test_a_changed_document_is_read_exactly_when_the_schema_accepts_it(profile: Profile, data: st.DataObject) -> None:
    read_as_the_schema_has_it(profile, data)


@pytest.mark.slow
@profiles
@settings(max_examples=1500)
@given(data=st.data())
def test_many_changed_documents_are_read_as_the_schema_has_them(profile: Profile, data: st.DataObject) -> None:
    read_as_the_schema_has_it(profile, data)
