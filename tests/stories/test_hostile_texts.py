"""A device that lies to people: its texts reach log, commands, page and files of figures, and act nowhere."""

import csv
import io
import os
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosted_world import PLUGINS
from tests.support.real_gateway import RealGateway, efpi, running, site_file

ACTS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What moves a cursor, colours a screen, breaks a line or turns the direction of writing; but for tab and line feed."""

SAMPLE = re.compile(r'|#.*|[a-z_]+({([a-z]+="([^"\\\\]|\\\\.)*",?)*})? [-+.e0-9]+')
"""A line of Prometheus's text format."""

SITE = """\
efpi: 1
appliances:
  hostile: {driver: hostile}
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    facts = tmp_path / "plugins" / "efpi_story_hostile-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: efpi-story-hostile\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[efpi]\nhostile = hostile_plugin\n")
    path = os.pathsep.join((str(tmp_path / "plugins"), str(PLUGINS)))
    return {"PYTHONPATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def gateway(home: Path, tmp_path: Path, environment: dict[str, str]) -> Iterator[RealGateway]:
    with running(home, site_file(tmp_path, SITE), environment=environment) as begun:
        begun.all_run()
        begun.eventually(lambda: "hostile.text" in str(begun.get("/api/observations")), "it has told a text")
        begun.condition("hostile", "degraded", "offline")
        yield begun


@pytest.mark.slow
def test_no_text_of_a_device_acts_where_people_read_it(gateway: RealGateway) -> None:
    commands = (
        ("appliances",), ("appliances", "hostile"), ("events",), ("observe", "--once"), ("connections",), ("doctor",),
        ("plugins",),
    )  # fmt: skip
    for words in commands:
        for more in ((), ("--json",)):
            told = gateway.cli(*words, *more)
            assert not ACTS.search(told.out + told.err), (words, more, ascii(told.out + told.err))
            assert "[red]bold[/red]" in told.out or "hostile" not in told.out or words[0] in ("plugins", "connections")
    assert not any(line.startswith("2026-01-01 00:00:00 ERROR") for line in gateway.log.splitlines())
    assert "forged" in gateway.log and not ACTS.search(gateway.log), ascii(gateway.log)
    for event in gateway.get("/api/journal"):
        assert (event["subject"] + event["text"] + event["cure"] + event["detail"]).isprintable()
    view = gateway.appliances()["hostile"]
    assert all(view[field].isprintable() for field in ("name", "summary", "text", "cure"))
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}/metrics", timeout=10) as answer:
        metrics = answer.read().decode()
    assert all(
        re.fullmatch(r"#.*|[a-z_]+(\{([a-z]+=\"([^\"\\]|\\.)*\",?)*\})? \S+", line) for line in metrics.splitlines()
    )
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}/api/appliances", timeout=10) as answer:
        assert answer.read().isascii() and answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.slow
def test_no_text_of_a_device_is_a_formula_in_a_file_of_figures(tmp_path: Path, environment: dict[str, str]) -> None:
    site = site_file(tmp_path, SITE)
    told = efpi("simulate", "--site", site, "--days", "0.001", "--out", tmp_path / "out", environment=environment)
    assert (tmp_path / "out").is_dir(), told
    files = [path.read_text(encoding="utf-8") for path in (tmp_path / "out").glob("*.csv")]
    rows = [row for text in files for row in csv.reader(io.StringIO(text, newline=""))]
    texts = [cell for row in rows for cell in row]
    assert any("cmd|" in text for text in texts) and any("1+1" in text for text in texts)
    assert not [text for text in texts if text[:1] in ("=", "+", "@", "\t", "\r")]
