"""Inputs that are small and ask for very much, as their size grows beyond what the fuzz targets try."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from efpi_driver_p1.stream import TelegramStream

from efi.__main__ import main
from efi.command.validate import UNREADABLE
from efi.xml.codec import read as read_xml
from efi.xml.errors import XmlError
from efi.xml.schema.validator import MOST_FAULTS
from efpi_core.errors import PluginFailure, SettingsError
from efpi_core.host.catalogue import _understood as understood
from efpi_core.host.describe_child import _understood
from efpi_core.site.loader import load_site
from efpi_core.site.problem import MOST_PROBLEMS, SiteError
from efpi_core.site.secrets import SECRETS_FILE, SecretStore
from tests.fuzz.watch import no_hang

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "line",
    [
        b"/AAA5\x01" * 40_000 + b"\xaf" * 200_000,
        b"\xafAAA5\x82" * 40_000 + b"\xaf" * 200_000,
        b"/AAA5\n" * 60_000,
        b"/AAA5\n" + b"(" * 200_000,
    ],
)
def test_starts_of_telegrams_without_end_take_time_only_as_they_take_bytes(line: bytes) -> None:
    stream = TelegramStream(ZoneInfo("Europe/Amsterdam"))
    with no_hang():
        stream.feed(line)
        stream.end()


def refused(text: str) -> str:
    """Why a document is refused, found in bounded time."""
    with no_hang(), pytest.raises(SiteError) as refusal:
        load_site(text)
    assert len(refusal.value.problems) <= MOST_PROBLEMS
    return str(refusal.value.problems[-1])


def test_an_alias_of_a_long_text_weighs_as_much_as_the_text_written_out() -> None:
    text = (
        "efpi: 1\nappliances:\n  aa:\n    driver: p1\n    config: {s: &s " + "x" * 900_000 + ", l: [" + "*s, " * 20_000
    )
    assert "its aliases written out" in refused(text)


def test_an_alias_of_an_alias_weighs_as_much_as_all_that_it_stands_for() -> None:
    lines = [f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert "more than 50000 values" in refused("\n".join(["efpi: 1", "preferences:", "  l0: &l0 [x]", *lines]))


def test_many_alike_with_long_settings_are_refused_before_they_are_written_out() -> None:
    config = "[" + ", ".join(["x%n%"] * 20_000) + "]"
    text = f"efpi: 1\nappliances:\n  aa:\n    driver: p1\n    count: 10000\n    config: {{l: {config}}}\n"
    assert "come to more than" in refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"unknown{n}: v" for n in range(24_000)),
        "appliances:\n" + "\n".join(f"  aa{n}: v" for n in range(24_000)),
        "apps:\n"
        + "".join(f"  aa{n}: {{app: q}}\n" for n in range(8_000))
        + "connections:\n"
        + "".join(f"  aa{n}: aa{n}x\n" for n in range(8_000)),
    ],
)
def test_mistakes_by_the_ten_thousand_are_told_as_the_first_hundred(text: str) -> None:
    refused(f"efpi: 1\n{text}")


DEEP = b"[" * 200_000


def test_a_plugin_s_description_without_a_bottom_is_a_broken_plugin() -> None:
    with pytest.raises(PluginFailure):
        _understood("deep", 0, DEEP, "")


@pytest.mark.parametrize("content", [DEEP, b'{"a":' + b"9" * 5000 + b"}", b'{"a": {"b": 1}}', b"\xff", b'{"a": NaN}'])
def test_a_file_of_secrets_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / SECRETS_FILE
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(SettingsError, match="restore or delete it"):
        SecretStore(tmp_path).values()


@pytest.mark.parametrize("answers", [5, [5], [[5]], [[["path", "p"]]], [[], []], None, ["abc"]])
def test_a_plugin_s_own_checks_that_answer_nonsense_are_the_plugin_s_fault(answers: object) -> None:
    with pytest.raises(PluginFailure, match="nonsense"):
        understood("odd", answers, 1)


def test_messages_without_a_bottom_or_with_a_key_twice_are_faults_with_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = b'{"type":"control_space_revoke","message_id":"aa","appliance_id":"bb","timestamp":"2026-01-01T00:00:00Z"'
    file = tmp_path / "messages"
    file.write_bytes(b"\n".join([DEEP, message + b',"reason":"a","reason":"b"}', message + b"}"]))
    with no_hang():
        assert main(["validate", str(file)]) == UNREADABLE
    first, second = capsys.readouterr().out.splitlines()
    assert "json_invalid" in first and "repeated_key" in second and "reason" in second


ZONELESS = "<efi:timerUpdate efi:timerId='{}'><efi:finishedAt>2026-03-29T01:00:00</efi:finishedAt></efi:timerUpdate>"


@pytest.mark.parametrize(
    "inner",
    [
        "".join(map(ZONELESS.format, range(15_000))),
        "".join(map(ZONELESS.replace("efi:timerId", "timerId").format, range(15_000))),
        "<efi:timerUpdate a='1' b='2' c='3'/>" * 30_000,
        "<a>" * 30 + "</a>" * 30,
        "<efi:timerUpdates/>" * 90_000,
        "x<a/>" * 60_000,
        "".join(map(ZONELESS.replace("finishedAt", "finished").format, range(15_000))),
    ],
)
def test_xml_that_is_wrong_in_very_many_places_is_told_in_bounded_time(inner: str) -> None:
    data = (
        "<efi:AdjustableStatus xmlns:efi='http://www.flexiblepower.org/efi-2' efi:efiVersion='2.0'><efi:header>"
        "<efi:efiResourceId>aa</efi:efiResourceId><efi:timestamp>2026-03-29T01:00:00Z</efi:timestamp></efi:header>"
        "<efi:flexibilityUpdateId>aa</efi:flexibilityUpdateId><efi:validFrom>2026-03-29T01:00:00Z</efi:validFrom>"
        f"<efi:currentRunningModeId>1</efi:currentRunningModeId><efi:timerUpdates>{inner}</efi:timerUpdates>"
        "</efi:AdjustableStatus>"
    )
    with no_hang(), pytest.raises(XmlError) as refused:
        read_xml(data.encode())
    assert 0 < len(refused.value.refusals) <= MOST_FAULTS
