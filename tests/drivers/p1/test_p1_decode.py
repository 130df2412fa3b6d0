"""The technician's command, run as he runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import p1_synthetic as synthetic
import pytest
from test_p1_telegram import CAPTURE

COMMAND = [sys.executable, "-m", "efpi_driver_p1", "decode"]


def decode(*arguments: str, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], input=data, capture_output=True, timeout=60, check=False)


def reports(data: bytes, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in decode("-", *arguments, data=data).stdout.splitlines()]


def test_a_capture_gives_one_json_line_a_telegram_and_exit_code_0() -> None:
    done = decode(str(CAPTURE))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and done.stderr == b""
    assert [line["telegram"] for line in lines] == list(range(1, 14))
    assert lines[0]["ok"] is False and lines[0]["error"]["name"] == "cut_start" and lines[0]["error"]["cure"]
    assert all(line["ok"] and line["crc"] == "ok" for line in lines[1:])


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_line_ends_do_not_matter(ends: bytes) -> None:
    (report,) = reports(synthetic.DSMR_5.replace(b"\r\n", ends))
    assert report["ok"] and report["time_utc"] == "2024-07-15T10:00:05Z"


def test_each_line_shows_code_name_value_unit_and_what_the_meter_wrote() -> None:
    (report,) = reports(synthetic.DSMR_5)
    values = {value["obis"]: value for value in report["values"]}
    assert values["1-0:2.8.1"] == {
        "obis": "1-0:2.8.1",
        "name": "energy exported, tariff 1",
        "value": 300_003 * 3600,
        "unit": "J",
        "original": "000300.003*kWh",
    }
    assert values["1-0:52.7.0"]["value"] == 229.5 and values["1-0:52.7.0"]["unit"] == "V"
    assert values["0-1:24.2.1"]["time_utc"] == "2024-07-15T10:00:01Z"
    assert values["1-0:99.97.0"]["value"][1] == {"value": 3600, "unit": "s", "times_utc": ["2023-07-02T06:00:00Z"]}
    assert values["0-0:96.1.1"]["value"] == "E0047000007630817"
    assert [meter["kind"] for meter in report["meters"]] == ["gas", "heat", "water", "electricity"]


def test_a_fault_shows_its_name_place_and_cure_and_gives_exit_code_1() -> None:
    broken = synthetic.DSMR_5.replace(b"01.250", b"01.350")
    done = decode("-", data=synthetic.BELGIUM + broken + synthetic.BELGIUM)
    first, fault, last = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 1 and first["ok"] and last["ok"]
    assert fault["ok"] is False and fault["offset"] == len(synthetic.BELGIUM)
    assert fault["error"]["name"] == "wrong_crc" and fault["error"]["detail"] and fault["error"]["cure"]
    assert "values" not in fault


@pytest.mark.parametrize("data", [b"", b"\r\n\0", synthetic.DSMR_5[100:], b"hello world"])
def test_without_any_telegram_the_exit_code_is_1(data: bytes) -> None:
    assert decode("-", data=data).returncode == 1


def test_a_file_that_cannot_be_read_is_exit_code_2_without_a_traceback(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        done = decode(str(path))
        assert done.returncode == 2 and str(path).encode() in done.stderr and b"Traceback" not in done.stderr
    assert decode("--zone", "Mars/Olympus", "-", data=b"").returncode == 2


def test_the_zone_of_the_meter_can_be_told() -> None:
    (report,) = reports(synthetic.DSMR_5, "--zone", "Europe/Vilnius")
    assert report["time_utc"] == "2024-07-15T09:00:05Z"


def test_the_table_shows_the_same_for_the_eye() -> None:
    done = decode("--table", "-", data=synthetic.DSMR_5 + b"\x01\x02\x03")
    text = done.stdout.decode()
    assert "energy imported, tariff 1" in text and "1000.001 kWh" in text and "3 (gas)" in text
    assert "NOISE" in text and "cure:" in text


def test_captures_saved_by_windows_tools_are_read() -> None:
    for marked in (synthetic.DSMR_5.decode().encode("utf-16"), b"\xef\xbb\xbf" + synthetic.DSMR_5):
        (report,) = reports(marked)
        assert report["ok"]


def test_telegrams_of_a_live_pipe_are_shown_as_they_come() -> None:
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen([*COMMAND, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=buffered) as process:
        assert process.stdin is not None and process.stdout is not None
        for _ in range(2):
            os.write(process.stdin.fileno(), synthetic.DSMR_3)
            assert json.loads(process.stdout.readline())["ok"]
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    with subprocess.Popen(
        [*COMMAND, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdout.close()
        process.stdin.write(synthetic.DSMR_5 * 50)
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(10) == 0
