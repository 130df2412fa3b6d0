"""The runner of `make prove`: every outcome is told, nothing runs twice, nothing is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.prove.catalogue import ROOT, cases_of, part_names
from tests.prove.result import Result, keep, kept
from tests.support.hosted_world import gone_within


def prove(out: Path, diary: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "tests.prove", "--parts", "tests.prove.samples", "--out", str(out), *more]
    environment = {**os.environ, "PROVE_DIARY": str(diary)}
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.slow
def test_every_outcome_is_told_and_what_holds_does_not_run_again(tmp_path: Path) -> None:
    out, diary = tmp_path / "out", tmp_path / "diary"
    first = prove(out, diary)
    assert first.returncode == 1, first
    results = {result.case: result for result in kept(out / "results.jsonl")}
    outcomes = {name: result.outcome for name, result in results.items()}
    assert outcomes == {"holds": "holds", "breaks": "broken", "late": "late", "leaves": "holds"}
    assert results["holds"].figures == {"found": 3, "delay_ms": 1.5}
    assert "two were lost" in results["breaks"].why
    report = (out / "report.md").read_text()
    assert "2 hold, 1 broken, 1 late, 0 to do" in report
    assert "found 3, delay_ms 1.5" in report
    left = [int(line.split()[1]) for line in diary.read_text().splitlines() if " " in line]
    assert len(left) == 2
    assert all(gone_within(pid, 10) for pid in left)

    again = prove(out, diary, "--only", "outcomes/[hb]*s", "--jobs", "2")
    assert again.returncode == 1
    assert "1 of 2 hold" in again.stdout
    words = diary.read_text().split()
    assert (words.count("holds"), words.count("breaks")) == (1, 2)


def test_a_pattern_without_a_case_is_told(tmp_path: Path) -> None:
    told = prove(tmp_path, tmp_path / "diary", "--only", "nothing")
    assert told.returncode == 2
    assert "outcomes" in told.stderr


def test_a_line_that_a_kill_cut_off_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    whole = Result("part", "one", "holds", "c", "2026-01-01T00:00:00+00:00", 1.0, 1.0)
    keep(path, whole)
    with path.open("a") as file:
        file.write('{"part": "par')
    keep(path, whole)
    assert kept(path) == [whole, whole]


def test_every_part_has_cases() -> None:
    for part in part_names():
        assert cases_of(part), part
