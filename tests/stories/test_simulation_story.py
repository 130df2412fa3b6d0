"""`efpi simulate` from the command line: the same bytes each time, and a clear word when it cannot."""

import hashlib
import json
from pathlib import Path

import pytest

from efpi_core.cli.exit_code import ExitCode
from tests.support.real_gateway import efpi, site_file


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


@pytest.mark.slow
def test_two_days_of_the_demo_house_are_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    told = {}
    for seed in ("1", "4711"):
        out = tmp_path / seed
        words = (
            "simulate",
            "--site",
            "demo",
            "--days",
            2,
            "--start",
            "2025-06-01",
            "--messages",
            "--out",
            out,
            "--json",
        )
        told[seed] = efpi(*words, environment={"PYTHONHASHSEED": seed})
        assert told[seed].code == 0, told[seed]
    first, second = (digests(tmp_path / seed) for seed in told)
    assert first == second
    assert len(first) >= 3
    summary = told["1"].json
    assert summary == told["4711"].json
    assert summary["violations"] == {} and summary["failed"] == {} and summary["imbalance_w"] < 1e-6
    assert summary["allocations"], "the app did something in two days of June"


def test_a_site_with_a_typo_is_refused_with_its_line(tmp_path: Path) -> None:
    site = site_file(tmp_path, "efpi: 1\nappliances:\n  battery: {drvier: simulated.battery}\n")
    told = efpi("simulate", "--site", site, "--out", tmp_path / "out")
    assert told.code == 1 and "line 3" in told.err and "drvier" in told.err and "Traceback" not in told.err
    assert not (tmp_path / "out").exists()


def test_a_driver_with_a_typo_is_refused_before_anything_is_simulated(tmp_path: Path) -> None:
    site = site_file(tmp_path, "efpi: 1\nappliances:\n  battery: {driver: simulated.batery}\n")
    told = efpi("simulate", "--site", site, "--out", tmp_path / "out")
    assert told.code == 1 and "did you mean 'simulated.battery'" in told.err and "Traceback" not in told.err


@pytest.mark.slow
def test_commands_end_with_the_codes_that_are_documented(tmp_path: Path) -> None:
    nobody = tmp_path / "nobody"
    for code, words in (
        (ExitCode.OK, ("--version",)),
        (ExitCode.REFUSED, ("site", "check", tmp_path / "no.yaml")),
        (ExitCode.USAGE, ("appliances", "--no-such-option")),
        (ExitCode.USAGE, ("aplliances",)),
        (ExitCode.USAGE, ("simulate", "--days", "many")),
        (ExitCode.NO_GATEWAY, ("appliances", "--home", nobody)),
        (ExitCode.NO_GATEWAY, ("appliances", "--home", nobody, "--json")),
        (ExitCode.REFUSED, ("run", "--home", nobody, "--port", 0)),
        (ExitCode.REFUSED, ("run", "--home", nobody, "--site", tmp_path / "no.yaml")),
        (ExitCode.USAGE, ("run", "--port", "many")),
    ):
        told = efpi(*words)
        assert told.code == code, (words, told)
        assert "Traceback" not in told.err, (words, told)
        if "--json" in words:
            assert json.loads(told.err)["cure"]
