"""The commands about a running house, against a gateway behind its real socket."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from efpi_core.cli.exit_code import ExitCode
from efpi_core.cli.main import run_command
from efpi_core.clock import RealClock
from tests.support.http_world import NOON, Beside, RecordedGateway


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Beside]:
    served = Beside(RecordedGateway(), tmp_path)
    served.begin()
    yield served
    served.end()


def efpi(house: Beside, *words: str) -> int:
    return run_command([*words, "--home", str(house.home)])


LISTS = (
    ["appliances"],
    ["connections"],
    ["override"],
    ["limit"],
    ["observe", "--once"],
    ["events"],
    ["site", "history"],
)


@pytest.mark.parametrize("words", LISTS)
def test_every_list_is_for_people_and_for_programs(
    house: Beside, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert efpi(house, *words) == ExitCode.OK
    people = capsys.readouterr().out
    assert len(people.splitlines()) >= 1
    assert efpi(house, *words, "--json") == ExitCode.OK
    programs = json.loads(capsys.readouterr().out)
    assert isinstance(programs, list)
    assert programs


def test_the_list_of_appliances_shows_power_and_who_is_in_control(
    house: Beside, capsys: pytest.CaptureFixture[str]
) -> None:
    efpi(house, "appliances")
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.split()}
    assert "-3000 W" in lines["pv"]
    assert "planner" in lines["battery"]
    assert "the resident" in lines["generator"]


def test_a_device_s_text_cannot_command_the_terminal(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    house.gateway.shown = tuple(
        type(view)(
            **{name: getattr(view, name) for name in view.__slots__} | {"name": "\x1b[2J\x1b]0;owned\x07\u202eevil"}
        )
        for view in house.gateway.shown
    )
    efpi(house, "appliances")
    efpi(house, "appliances", "pv")
    printed = capsys.readouterr().out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", printed)
    assert "evil" in printed


def test_one_appliance_is_shown_with_its_allocation(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    assert efpi(house, "appliances", "battery") == ExitCode.OK
    printed = capsys.readouterr().out
    assert "started (planner): Charges from surplus until 14:00" in printed
    assert "storage_state_update" in printed


@pytest.mark.parametrize(
    "words",
    [
        ["appliances", "batery"],
        ["connections", "connect", "batery", "planner"],
        ["connections", "disconnect", "batery"],
        ["override", "batery", "off", "--for", "1h"],
    ],
)
def test_a_mistyped_appliance_is_answered_with_the_nearest(
    house: Beside, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert efpi(house, *words) == ExitCode.REFUSED
    told = capsys.readouterr()
    assert "there is no appliance 'batery'" in told.err
    assert "did you mean 'battery'?" in told.err
    assert told.out == ""
    assert house.gateway.asked == []


def test_a_refusal_is_json_for_programs(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    assert efpi(house, "appliances", "batery", "--json") == ExitCode.REFUSED
    told = json.loads(capsys.readouterr().err)
    assert told == {"error": "there is no appliance 'batery'", "cure": "did you mean 'battery'?"}


def test_an_appliance_is_given_to_an_app_and_taken_away(house: Beside) -> None:
    assert efpi(house, "connections", "connect", "battery", "planner") == ExitCode.OK
    assert efpi(house, "connections", "disconnect", "battery") == ExitCode.OK
    assert house.gateway.asked == [("connect", "battery", "planner"), ("connect", "battery", None)]


def test_a_mistyped_app_is_answered_with_the_nearest(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    assert efpi(house, "connections", "connect", "battery", "planer") == ExitCode.REFUSED
    assert "did you mean 'planner'?" in capsys.readouterr().err


def test_the_resident_decides_for_a_span(house: Beside) -> None:
    words = ["override", "battery", "mode", "--mode", "charge", "--factor", "0.5", "--for", "90min"]
    assert efpi(house, *words) == ExitCode.OK
    (asked,) = house.gateway.asked
    parameters = {"mode": "charge", "factor": 0.5}
    assert asked[:5] == ("override", "battery", "mode", NOON + timedelta(minutes=90), parameters)


def test_the_resident_decides_until_an_instant_and_gives_back(house: Beside) -> None:
    words = ["override", "pv", "limit", "--upper", "0", "--lower", "-1500", "--until", "2031-06-01T12:00+02:00"]
    assert efpi(house, *words) == ExitCode.OK
    assert efpi(house, "override", "pv", "end") == ExitCode.OK
    first, second = house.gateway.asked
    assert first[3] == datetime(2031, 6, 1, 10, tzinfo=UTC)
    assert first[4] == {"lower_w": -1500.0, "upper_w": 0.0}
    assert second[:2] == ("end_override", "pv")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["off"], "--for"),
        (["off", "--for", "2h", "--until", "18:30"], "--for"),
        (["off", "--for", "soon"], "'soon' is no span"),
        (["off", "--until", "25:99"], "'25:99' is no instant"),
        (["stop", "--for", "2h"], "there is no action 'stop'"),
        (["off", "--for", "0s"], "'0s' is not between nothing and ten years"),
        (["off", "--for", "99999999999d"], "'99999999999d' is not between nothing and ten years"),
        (["limit", "--for", "2h"], "give --lower, --upper or both"),
        (["limit", "--lower", "nan", "--for", "2h"], "--lower: nan is no power"),
        (["limit", "--upper", "1e400", "--for", "2h"], "--upper: inf is no power"),
    ],
)
def test_an_override_that_says_too_little_is_refused(
    house: Beside, capsys: pytest.CaptureFixture[str], words: list[str], named: str
) -> None:
    assert efpi(house, "override", "battery", *words) == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert named in told
    assert "→" in told
    assert house.gateway.asked == []


def test_a_limit_is_set_and_lifted(house: Beside) -> None:
    words = ["limit", "set", "peak", "--upper", "4200", "--source", "grid_operator", "--phase", "L1", "--for", "2h"]
    before = RealClock().now()
    assert efpi(house, *words) == ExitCode.OK
    assert efpi(house, "limit", "lift", "fuse") == ExitCode.OK
    (_, limit, _), lifted = house.gateway.asked
    assert (limit.limit_id, limit.upper_w, limit.phase.value, limit.source.value) == (
        "peak", 4200.0, "l1", "grid_operator",
    )  # fmt: skip
    assert timedelta(hours=2) <= limit.end - before < timedelta(hours=2, minutes=1)
    assert lifted[:2] == ("remove_limit", "fuse")


def test_a_limit_without_a_bound_is_refused_before_anything_is_asked(
    house: Beside, capsys: pytest.CaptureFixture[str]
) -> None:
    assert efpi(house, "limit", "set", "peak") == ExitCode.REFUSED
    assert "give --lower, --upper or both" in capsys.readouterr().err
    assert house.gateway.asked == []


def test_the_end_of_an_override_is_told_to_the_minute(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    efpi(house, "override", "battery", "mode", "--mode", "charge", "--until", "2031-06-01T12:00+02:00")
    assert capsys.readouterr().out == "battery: mode charge until 2031-06-01 10:00 UTC.\n"


def test_instants_of_overrides_and_limits_are_those_of_the_sites_clock(
    house: Beside, capsys: pytest.CaptureFixture[str]
) -> None:
    house.gateway.time_zone = "America/New_York"
    efpi(house, "override", "battery", "mode", "--mode", "charge", "--until", "2031-01-01T12:00")
    assert capsys.readouterr().out == "battery: mode charge until 2031-01-01 12:00 EST.\n"
    efpi(house, "limit", "set", "peak", "--upper", "1", "--until", "2031-07-01T12:00")
    assert capsys.readouterr().out == "The limit 'peak' holds until 2031-07-01 12:00 EDT.\n"
    override, limit = house.gateway.asked
    assert override[3] == datetime(2031, 1, 1, 17, tzinfo=UTC)
    assert limit[1].end == datetime(2031, 7, 1, 16, tzinfo=UTC)


def test_a_limit_from_an_unknown_source_is_refused_by_the_gateway_s_words(
    house: Beside, capsys: pytest.CaptureFixture[str]
) -> None:
    assert efpi(house, "limit", "set", "peak", "--upper", "1", "--source", "neighbour") == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert told.count("source:") == 1, "the field is named once"


def test_an_instance_is_started_again(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    assert efpi(house, "restart", "battery") == ExitCode.OK
    assert house.gateway.asked[0][:2] == ("restart", "battery")
    assert efpi(house, "restart", "plannr") == ExitCode.REFUSED
    assert "did you mean 'planner'?" in capsys.readouterr().err


def test_what_an_instance_kept_is_forgotten(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    assert efpi(house, "plugins", "forget", "heater") == ExitCode.OK
    assert house.gateway.asked[0][:2] == ("forget_memory", "heater")
    assert "heater" in capsys.readouterr().out


def test_the_site_in_force_is_printed_as_written(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    assert efpi(house, "site", "show") == ExitCode.OK
    assert efpi(house, "site", "show", "--revision", "6") == ExitCode.OK
    assert capsys.readouterr().out == "efpi: 1\nefpi: 1  # 6\n"


def test_a_site_is_applied_and_rolled_back(house: Beside, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new.yaml"
    file.write_text("efpi: 1\nname: New\n")
    assert efpi(house, "site", "diff", str(file)) == ExitCode.OK
    assert "'' → 'New'" in capsys.readouterr().out
    assert efpi(house, "site", "apply", str(file), "--why", "a test") == ExitCode.OK
    assert efpi(house, "site", "rollback", "6") == ExitCode.OK
    applied, rolled_back = house.gateway.asked
    assert (applied[1], applied[3]) == ("efpi: 1\nname: New\n", "a test")
    assert rolled_back[:2] == ("rollback", 6)


def test_a_refused_site_names_the_place(house: Beside, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new.yaml"
    file.write_text("efpi: 1 # broken\n")
    assert efpi(house, "site", "apply", str(file)) == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert "appliances.broken: line 3: no such driver" in told
    assert "see `efpi plugins`" in told


def test_observations_follow_a_pattern_and_events_tell_their_cure(
    house: Beside, capsys: pytest.CaptureFixture[str]
) -> None:
    efpi(house, "observe", "battery.*", "--once", "--json")
    assert [view["name"] for view in json.loads(capsys.readouterr().out)] == ["battery.fill_level", "battery.mode"]
    efpi(house, "events", "--after", "1", "--count", "1", "--json")
    assert [view["number"] for view in json.loads(capsys.readouterr().out)] == [2]


def test_following_ends_with_a_word_when_the_gateway_ends(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    house.end_after(0.5)
    assert efpi(house, "events", "--follow") in (ExitCode.OK, ExitCode.NO_GATEWAY)
    assert "it happened" in capsys.readouterr().out


def test_the_doctor_names_what_is_ill_in_the_house(house: Beside, capsys: pytest.CaptureFixture[str]) -> None:
    assert efpi(house, "doctor", "--json") == ExitCode.DEGRADED
    found = {(each["what"], each["state"]) for each in json.loads(capsys.readouterr().out)}
    assert ("instance planner", "offline") in found
    assert ("instance battery", "ok") in found
    assert ("appliance washer", "offline") in found
    assert ("gateway", "ok") in found


def test_the_house_leaves_as_xml_and_can_be_read_back(
    house: Beside, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "exported"
    assert efpi(house, "efi", "export", str(folder)) == ExitCode.OK
    assert "appliances." in capsys.readouterr().out
    documents = list(folder.rglob("*.xml"))
    assert documents
    assert run_command(["efi", "validate", str(folder)]) == ExitCode.OK
    names = str(folder / "names.txt")
    capsys.readouterr()
    assert run_command(["efi", "convert", "--to", "json", "--names", names, str(folder)]) == ExitCode.OK
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(told) >= len(documents)
    assert efpi(house, "efi", "export", str(folder)) == 2
    assert "not empty" in capsys.readouterr().err
