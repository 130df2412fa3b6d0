"""The log: one event one line, bounded, never waiting, without secrets and without what a terminal obeys."""

import ast
import errno
import io
import json
import logging
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efpi_core.event_kinds import KINDS
from efpi_core.log_line import LINES, say
from efpi_core.logbook import logbook as logbook_file
from efpi_core.logbook.line import Line, one_line
from efpi_core.logbook.line_limit import LINES_AT_ONCE, LINES_PER_S, MOST_SUBJECTS, LineLimit
from efpi_core.logbook.log_file import LogFile
from efpi_core.logbook.logbook import Logbook, Look, is_journal
from efpi_core.site.redaction import MASK, Redactor

LOG = logging.getLogger("efpi.test.logbook")


class Writing:
    """A logbook that takes the lines of one logger."""

    def __init__(self, path: Path | None, look: Look = Look.TEXT) -> None:
        self.path = path
        self.now = 0.0
        self.stream = io.StringIO()
        self.book = Logbook(path, self.stream, look, lambda: self.now)
        LOG.addHandler(self.book)
        LOG.propagate = False
        LOG.setLevel(logging.INFO)

    def end(self) -> None:
        LOG.removeHandler(self.book)
        LOG.propagate = True
        self.book.close()

    def lines(self) -> list[dict[str, Any]]:
        """All of the file, once the logbook has ended."""
        self.end()
        assert self.path is not None
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[Writing]:
    begun = Writing(tmp_path / "log" / "efpi.log")
    yield begun
    begun.end()


def test_a_line_in_the_file_is_json_and_one_on_the_terminal_is_words(writing: Writing) -> None:
    say(LOG, logging.WARNING, "offline", "meter", "does not answer", facts={"cure": "look at the cable", "detail": ""})
    (line,) = writing.lines()
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "warning",
        "event": "offline",
        "subject": "meter",
        "text": "does not answer",
        "cure": "look at the cable",
    }
    assert writing.stream.getvalue().endswith(" WARNING meter: offline: does not answer → look at the cable\n")


def test_a_container_gets_the_same_json_on_standard_error(tmp_path: Path) -> None:
    writing = Writing(tmp_path / "efpi.log", Look.JSON)
    say(LOG, logging.INFO, "connected", "battery", "'app' is in control")
    (line,) = writing.lines()
    assert json.loads(writing.stream.getvalue()) == line


def test_the_log_is_for_its_user_only(writing: Writing) -> None:
    say(LOG, logging.INFO, "connected", "battery", "'app' is in control")
    writing.lines()
    assert writing.path is not None
    assert stat.S_IMODE(writing.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(writing.path.parent.stat().st_mode) == 0o700


def test_what_a_device_says_neither_forges_a_line_nor_moves_a_terminal(writing: Writing) -> None:
    hostile = 'ok\n2026-01-01 ERROR efpi: forged\r\x1b[2J\x9b1A \u202eevil\u2066 "quoted"'
    say(LOG, logging.INFO, "plugin_log", "bus\nx", hostile)
    (line,) = writing.lines()
    assert line["text"].startswith("ok\\n2026-01-01 ERROR efpi: forged\\r\\x1b[2J\\x9b1A \\u202eevil\\u2066")
    assert line["subject"] == "bus\\nx"
    shown = writing.stream.getvalue()
    assert shown.count("\n") == 1
    assert "\x1b" not in shown


@given(st.text())
def test_every_text_becomes_one_line_that_can_be_written(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert "\x1b" not in line
    line.encode("utf-8")


def test_a_trace_is_part_of_its_line(writing: Writing) -> None:
    try:
        raise ValueError("no such register")
    except ValueError as error:
        say(LOG, logging.ERROR, "plugin_trace", "bus", "failed (poll)", exc_info=error)
    (line,) = writing.lines()
    assert line["trace"][0].startswith("Traceback")
    assert line["trace"][-1] == "ValueError: no such register"
    rows = writing.stream.getvalue().splitlines()
    assert all(row.startswith("    ") for row in rows[1:])


def test_journald_learns_the_level_of_every_row() -> None:
    record = logging.LogRecord("efpi", logging.ERROR, "", 0, "%s", ("failed",), None)
    record.trace = "one\ntwo"
    record.event, record.subject = "plugin_trace", "bus"
    assert Line.of(record).as_journal(str) == "<3>bus: plugin_trace: failed\n<3>    one\n<3>    two"


def test_a_stream_is_journald_s_when_systemd_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "stream").open("w") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert is_journal(stream)
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino + 1}")
        assert not is_journal(stream)


def test_a_line_of_a_library_is_told_as_such(writing: Writing) -> None:
    LOG.warning("%s of %d", "too few", 3)
    (line,) = writing.lines()
    assert (line["event"], line["logger"], line["text"]) == ("library", "efpi.test.logbook", "too few of 3")
    misfit = logging.LogRecord("serial", logging.INFO, "", 0, "%d bytes", ("none",), None)
    assert Line.of(misfit).text == "%d bytes"


def test_no_secret_reaches_file_or_terminal(writing: Writing) -> None:
    secret = 'p"ss/wörd+1\\x'  # noqa: S105
    writing.book.mask_with(Redactor([secret]).text)
    say(LOG, logging.INFO, "plugin_log", secret, f"login with {secret} at http://anna:{secret}@meter/x")
    say(LOG, logging.INFO, "plugin_log", "bus", repr({"password": secret}), trace=f"KeyError: {secret!r}")
    say(LOG, logging.INFO, "plugin_log", "bus", json.dumps([secret]), facts={"cure": f"change {secret}"})
    writing.end()
    assert writing.path is not None
    for told in (writing.path.read_text(), writing.stream.getvalue()):
        assert "rd+1" not in told
        assert told.count(MASK) >= 6


def test_an_instance_that_says_too_much_is_cut_short_and_the_count_is_told(writing: Writing) -> None:
    for number in range(LINES_AT_ONCE + 50):
        say(LOG, logging.INFO, "plugin_printed", "chatty", f"line {number}")
    say(LOG, logging.INFO, "plugin_printed", "quiet", "one word")
    say(LOG, logging.ERROR, "instance_quarantined", "chatty", "it failed too often")
    writing.now += 1 / LINES_PER_S
    say(LOG, logging.INFO, "plugin_printed", "chatty", "at last")
    for _ in range(7):
        say(LOG, logging.INFO, "plugin_printed", "chatty", "and on")
    told = [(line["subject"], line["event"], line.get("count", line["text"])) for line in writing.lines()]
    assert told[LINES_AT_ONCE:] == [
        ("quiet", "plugin_printed", "one word"),
        ("chatty", "instance_quarantined", "it failed too often"),
        ("chatty", "lines_left_out", 50),
        ("chatty", "plugin_printed", "at last"),
        ("chatty", "lines_left_out", 7),
    ]


def test_the_limit_itself_is_bounded() -> None:
    limit = LineLimit(lambda: 0.0)
    for number in range(3 * MOST_SUBJECTS):
        assert limit.pass_on(f"bus{number}") == 0
    assert len(limit._allowances) <= MOST_SUBJECTS


def test_the_file_turns_over_and_stays_within_its_bound(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "efpi.log", largest=1000, former=3)
    for number in range(1000):
        assert file.append(f"{number:05d} " + "x" * 93)
    file.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["efpi.log", "efpi.log.1", "efpi.log.2", "efpi.log.3"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    kept = [line for name in reversed(names) for line in (tmp_path / name).read_text().splitlines()]
    assert [int(line[:5]) for line in kept] == list(range(960, 1000))


def test_a_line_longer_than_a_file_is_written_all_the_same(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "efpi.log", largest=10, former=1)
    assert file.append("x" * 50)
    assert file.append("y" * 50)
    file.close()
    assert [path.read_text()[0] for path in sorted(tmp_path.iterdir())] == ["y", "x"]


def test_a_file_that_was_deleted_is_begun_anew(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "efpi.log")
    file.append("before")
    file.path.unlink()
    file.append("after")
    file.close()
    assert file.path.read_text() == "after\n"


def test_a_disk_that_refuses_loses_lines_counts_them_and_writes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = LogFile(tmp_path / "efpi.log")
    write = os.write

    def full(descriptor: int, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    file.append("before")
    monkeypatch.setattr(os, "write", full)
    assert not file.append("lost")
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[: len(content) // 2]))
    assert not file.append("torn in the middle")
    monkeypatch.setattr(os, "write", write)
    assert file.append("after")
    file.close()
    assert file.path.read_text() == "before\nafter\n"
    assert file.lost == 2


def test_a_home_without_a_folder_for_the_log_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    writing = Writing(tmp_path / "log" / "efpi.log")
    say(LOG, logging.INFO, "connected", "battery", "'app' is in control")
    writing.end()
    assert "battery: connected" in writing.stream.getvalue()
    assert writing.stream.getvalue().count("\n") == 1


def test_lost_lines_are_told_when_the_disk_takes_lines_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "log"
    blocked.touch()
    writing = Writing(blocked / "efpi.log")
    for _ in range(3):
        say(LOG, logging.INFO, "connected", "battery", "lost")
    while writing.book.lost < 3:
        os.sched_yield()
    blocked.unlink()
    say(LOG, logging.INFO, "connected", "battery", "kept")
    while not (blocked / "efpi.log").exists() or "log_lost" not in (blocked / "efpi.log").read_text():
        os.sched_yield()
    assert [line["text"] for line in writing.lines()] == ["kept", "3 lines could not be written"]


def test_a_terminal_that_does_not_read_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook_file, "MOST_WAITING", 100)
    monkeypatch.setattr(logbook_file, "CLOSE_S", 0.05)
    reading, writing_end = os.pipe()
    with os.fdopen(writing_end, "w") as stream:
        book = Logbook(None, stream, Look.TEXT, lambda: 0.0)
        LOG.addHandler(book)
        LOG.setLevel(logging.INFO)
        try:
            for number in range(3000):
                say(LOG, logging.INFO, "connected", "battery", f"{number} " + "x" * 1000)
            assert book.lost > 0
        finally:
            LOG.removeHandler(book)
            book.close()
        drained = threading.Thread(target=_drain, args=(reading,), daemon=True)
        drained.start()
        book._thread.join(30)
        assert not book._thread.is_alive()
    drained.join(30)


def _drain(descriptor: int) -> None:
    while os.read(descriptor, 1 << 16):
        pass
    os.close(descriptor)


def test_the_last_lines_are_written_when_the_process_ends(tmp_path: Path) -> None:
    program = (
        "import logging, sys; from pathlib import Path; from efpi_core.log_line import say;"
        "from efpi_core.logbook.logbook import Look, open_logbook;"
        "open_logbook(Path(sys.argv[1]), verbose=False, look=Look.TEXT, elapsed=lambda: 0.0);"
        "say(logging.getLogger('efpi'), logging.ERROR, 'offline', 'meter', 'last words'); raise SystemExit(3)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "efpi.log")], timeout=30, capture_output=True, check=False
    )
    assert ended.returncode == 3
    assert json.loads((tmp_path / "efpi.log").read_text())["text"] == "last words"


def test_every_line_has_a_known_event_and_the_operator_s_page_lists_those_of_the_log(
    python_calls: Callable[[str], list[tuple[str, str]]],
) -> None:
    told = {event for _, event in python_calls("say")}
    assert told <= {*LINES, *KINDS}
    assert set(LINES) - told == {"lines_left_out", "log_lost", "library"}
    page = (Path(__file__).parents[3] / "docs" / "operating.md").read_text("utf-8")
    assert not [name for name, meaning in LINES.items() if f"| `{name}` | {meaning} |" not in page]


@pytest.fixture
def python_calls() -> Callable[[str], list[tuple[str, str]]]:
    def find(name: str) -> list[tuple[str, str]]:
        found = []
        for path in (Path(__file__).parents[3] / "efpi_core").rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                    event = node.args[2]
                    if isinstance(event, ast.Constant):
                        found.append((path.name, str(event.value)))
        return found

    return find
