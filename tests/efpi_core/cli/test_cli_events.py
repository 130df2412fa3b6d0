"""`efpi events`: chosen by level, subject and instant, of a running gateway and of a home in which none runs."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from efpi_core.cli.exit_code import ExitCode
from efpi_core.cli.main import run_command
from efpi_core.cli.options import past_instant
from efpi_core.clock import RealClock
from efpi_core.errors import SettingsError
from efpi_core.event_kinds import CONNECTED, OFFLINE
from efpi_core.gateway.event_log import EventLog
from efpi_core.state.state import State
from tests.support.http_world import NOON, Beside, RecordedGateway, event

HAPPENED = [
    event(1, "an old word"),
    event(2, "a warning", "warning", "look at it"),
    replace(event(3, "an error", "error"), subject="meter"),
    replace(event(4, "again and again", "warning"), count=7, last_at=NOON + timedelta(hours=5)),
]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Beside]:
    served = Beside(RecordedGateway(happened=list(HAPPENED)), tmp_path)
    served.begin()
    yield served
    served.end()


def numbers(house: Beside, capsys: pytest.CaptureFixture[str], *words: str) -> list[int]:
    assert run_command(["events", *words, "--json", "--home", str(house.home)]) == ExitCode.OK
    return [told["number"] for told in json.loads(capsys.readouterr().out)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), [1, 2, 3, 4]),
        (("--level", "warning"), [2, 3, 4]),
        (("--level", "error"), [3]),
        (("--subject", "meter"), [3]),
        (("--subject", "batt*"), [1, 2, 4]),
        (("--count", "1"), [4]),
        (("--after", "1", "--count", "2"), [2, 3]),
        (("--level", "warning", "--count", "2"), [3, 4]),
        (("--since", (NOON + timedelta(hours=1)).isoformat()), [4]),
        (("--since", (NOON + timedelta(seconds=3)).isoformat().replace("+00:00", "Z")), [3, 4]),
    ],
)
def test_events_are_chosen(
    house: Beside, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], expected: list[int]
) -> None:
    assert numbers(house, capsys, *words) == expected


def test_a_repeated_event_tells_its_count_and_the_last_time(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    run_command(["events", "--home", str(house.home)])
    told = capsys.readouterr().out
    assert "7 times, the last at" in told
    assert "→ look at it" in told


def test_following_passes_on_what_is_chosen_and_a_newer_count(
    house: Beside, capsys: pytest.CaptureFixture[str]
) -> None:
    house.tell_when_followed(
        ("event", "5", event(5, "not asked for")),
        ("event", "4", replace(HAPPENED[3], count=9)),
        then_end_after=0.5,
    )
    run_command(["events", "--follow", "--level", "warning", "--json", "--home", str(house.home)])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["number"], each["count"]) for each in told] == [(2, 1), (3, 1), (4, 7), (4, 9)]


@pytest.mark.parametrize("words", [("--since", "soon"), ("--since", "25:99"), ("--since", "3x")])
def test_an_instant_that_is_none_is_named(tmp_path: Path, words: tuple[str, str], capsys: Any) -> None:
    assert run_command(["events", *words, "--home", str(tmp_path)]) == ExitCode.REFUSED
    assert "--since" in capsys.readouterr().err


def test_a_home_without_a_gateway_still_tells_and_nothing_in_it_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = State.open(tmp_path, RealClock())
    log = EventLog(RealClock().now, state)
    log.tell(OFFLINE, "meter", "does not answer", detail="no_answer")
    log.tell(CONNECTED, "battery", "'app' is in control")
    state.close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert run_command(["events", "--level", "warning", "--json", "--home", str(tmp_path)]) == ExitCode.OK
    assert [told["detail"] for told in json.loads(capsys.readouterr().out)] == ["no_answer"]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_damaged_home_tells_what_can_be_read_and_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = State.open(tmp_path, RealClock())
    log = EventLog(RealClock().now, state)
    for number in range(200):
        log.tell(CONNECTED, f"battery{number}", "'app' is in control " + "x" * 500)
    state.close()
    file = tmp_path / "state.db"
    content = file.read_bytes()
    half = len(content) // 2
    file.write_bytes(content[:half] + os.urandom(4096) + content[half + 4096 :])
    before = file.read_bytes()
    assert run_command(["events", "--count", "2000", "--json", "--home", str(tmp_path)]) == ExitCode.OK
    assert 50 < len(json.loads(capsys.readouterr().out)) < 200
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gateway.lock", "state.db"]


def test_a_home_that_never_was_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["events", "--home", str(tmp_path / "none")]) == ExitCode.NO_GATEWAY
    assert "none ever did" in capsys.readouterr().err


def test_since_goes_back_from_now(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2025, 6, 1, 12, tzinfo=UTC)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert past_instant("2h", "--since", now) == now - timedelta(hours=2)
    assert past_instant("10:00", "--since", now) == now - timedelta(hours=2)
    assert past_instant("13:00", "--since", now) == now - timedelta(hours=23)
    assert past_instant("2025-05-01", "--since", now) == datetime(2025, 5, 1, tzinfo=UTC)
    with pytest.raises(SettingsError):
        past_instant("tomorrow", "--since", now)
