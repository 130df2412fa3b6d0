"""Each device keeps its name for good, whatever it calls itself, and nobody takes another's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from efpi_driver_s2.roster import LONGEST_PLAIN, MOST_OF_ONE_HOLDER, NotAdmittedError, Roster
from hypothesis import given
from hypothesis import strategies as st

from efpi_core.clock import SteppedClock
from efpi_core.identity import MessageIds, appliance_id
from efpi_core.plugin.context import Context
from efpi_core.plugin.memory import InstanceStorage
from efpi_core.plugin.site_facts import SiteFacts

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
UUID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"


class Kept:
    """A port that keeps what is stored, and who was taken away."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.removed: list[str] = []

    def store(self, key: str, value: Any, *, durable: bool) -> None:
        self.values[key] = value

    def remove_appliance(self, name: str, reason: str) -> None:
        self.removed.append(name)


def a_roster(most: int = 3, kept: Kept | None = None, day: int = 0) -> tuple[Roster, Kept, Context]:
    port: Any = kept or Kept()
    values = {key: value for key, value in port.values.items() if value is not None}
    context = Context(
        instance="s2", port=port, clock=SteppedClock(BEGIN + timedelta(days=day)), enqueue=lambda job: None,
        site=SiteFacts(), storage=InstanceStorage(values, port), secrets={}, ids=MessageIds("s2", "t"), seed="1",
        resolution_s=1.0,
    )  # fmt: skip
    return Roster(context, most), port, context


def test_a_plain_id_is_the_key_and_a_long_one_is_cut_and_marked() -> None:
    roster, _, _ = a_roster()
    assert roster.key_of("battery1", "") == "battery1"
    key = roster.key_of(UUID, "")
    assert key.startswith("6f9619ff-8b86-4") and len(key) == LONGEST_PLAIN
    assert roster.key_of(UUID, "") == key


def test_names_outlive_the_process() -> None:
    roster, kept, _ = a_roster()
    keys = {text: roster.key_of(text, "token") for text in (UUID, "a b", "a:b")}
    assert len(set(keys.values())) == 3
    again, _, _ = a_roster(kept=kept)
    assert {text: again.key_of(text, "token") for text in reversed(keys)} == keys


def test_ids_that_would_be_the_same_key_are_told_apart() -> None:
    roster, _, _ = a_roster(most=10)
    hashed = roster.key_of("a:b", "")
    assert roster.key_of(hashed, "") != hashed, "somebody calls himself as another's key is"
    assert len({roster.key_of(text, "") for text in ("a:b", "a_b", "a-b", "a::b", hashed)}) == 5


def test_nobody_takes_the_place_of_a_device_that_came_in_by_other_credentials() -> None:
    roster, kept, _ = a_roster()
    key = roster.key_of(UUID, "battery-token")
    for impostor in ("boiler-token", ""):
        with pytest.raises(NotAdmittedError, match="battery-token") as refused:
            roster.key_of(UUID, impostor)
        assert refused.value.detail == "identity_taken" and refused.value.cure
    again, _, _ = a_roster(kept=kept)
    with pytest.raises(NotAdmittedError):
        again.key_of(UUID, "boiler-token")
    assert again.key_of(UUID, "battery-token") == key


def test_a_device_that_was_tried_without_a_token_belongs_to_the_first_that_it_shows() -> None:
    roster, kept, _ = a_roster()
    key = roster.key_of(UUID, "")
    assert roster.key_of(UUID, "battery-token") == key
    again, _, _ = a_roster(kept=kept)
    for impostor in ("boiler-token", ""):
        with pytest.raises(NotAdmittedError, match="battery-token"):
            again.key_of(UUID, impostor)


def test_there_is_room_for_so_many_and_who_is_away_for_a_month_gives_way() -> None:
    roster, kept, _ = a_roster()
    for name in ("one", "two", "three"):
        roster.key_of(name, "")
    with pytest.raises(NotAdmittedError, match="which is all") as refused:
        roster.key_of("four", "")
    assert refused.value.detail == "too_many_devices" and len(roster) == 3
    later, _, context = a_roster(kept=kept, day=20)
    later.key_of("one", "")
    later.key_of("three", "")
    last, _, context = a_roster(kept=kept, day=31)
    context.appliances["s2-two"] = object()  # type: ignore[assignment]  # any will do
    assert last.key_of("four", "") == "four"
    assert kept.removed == ["s2-two"] and len(last) == 3
    with pytest.raises(NotAdmittedError):
        last.key_of("five", "")


def test_the_credentials_of_one_device_do_not_take_the_places_of_all_others() -> None:
    roster, _, _ = a_roster(most=50)
    for number in range(MOST_OF_ONE_HOLDER):
        roster.key_of(f"device{number}", "box-token")
    with pytest.raises(NotAdmittedError, match="box-token") as refused:
        roster.key_of("one-more", "box-token")
    assert refused.value.detail == "too_many_devices" and refused.value.cure
    assert roster.key_of("device3", "box-token") == "device3" and roster.key_of("other", "other-token") == "other"


def test_what_cannot_be_read_is_as_if_it_had_not_been_kept() -> None:
    kept = Kept()
    kept.values = {
        "device.x": "nonsense",
        "device.y": ["a", "b", "no date"],
        "device.z": ["a", 1, "2026-01-01"],
        "other": 1,
    }
    roster, _, _ = a_roster(kept=kept)
    assert len(roster) == 0 and roster.key_of("x", "") == "x"


@given(st.lists(st.text(min_size=1, max_size=70), max_size=20, unique=True))
def test_whatever_a_device_calls_itself_it_has_a_name_of_its_own_that_is_valid_everywhere(texts: list[str]) -> None:
    roster, kept, _ = a_roster(most=50)
    keys = [roster.key_of(text, "") for text in texts]
    assert len(set(keys)) == len(texts)
    assert all(len(appliance_id("s2", key)) <= 64 for key in keys)
    again, _, _ = a_roster(most=50, kept=kept)
    assert [again.key_of(text, "") for text in texts] == keys
