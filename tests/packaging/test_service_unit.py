"""The service's unit: systemd accepts it, finds it well guarded, and it says what the gateway needs."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
UNIT = PACKAGING / "systemd" / "efpi.service"
HIGHEST_EXPOSURE = 2.5
"""Of 10, as `systemd-analyze security` counts; 2.4 is left for serial ports, the network and the clock."""

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with the `efpi` of this Python, since systemd looks whether its program is there."""
    here = str(Path(sys.executable).with_name("efpi"))
    text = UNIT.read_text("utf-8")
    assert text.count("/opt/efpi/bin/efpi") == 1
    copy = tmp_path / "efpi.service"
    copy.write_text(text.replace("/opt/efpi/bin/efpi", here))
    return copy


def analyze(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, words)], capture_output=True, text=True, timeout=60, check=False
    )


@needs_systemd
def test_systemd_has_nothing_to_say_against_the_unit(unit: Path) -> None:
    told = analyze("verify", "--man=no", unit)
    assert (told.returncode, told.stderr) == (0, "")


@needs_systemd
def test_the_service_is_exposed_to_little(unit: Path) -> None:
    told = analyze("security", "--offline=true", "--no-pager", f"--threshold={HIGHEST_EXPOSURE * 10:.0f}", unit)
    if "unrecognized option" in told.stderr:
        pytest.skip("this systemd does not look at files")
    assert told.returncode == 0, told.stdout[-3000:]
    weaker = unit.with_name("weaker.service")
    weaker.write_text(unit.read_text().replace("NoNewPrivileges=yes", "").replace("ProtectSystem=strict", ""))
    assert analyze("security", "--offline=true", "--no-pager", "--threshold=25", weaker).returncode != 0


def test_the_unit_says_what_the_gateway_relies_on() -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's names have capitals
    parser.read_string(UNIT.read_text("utf-8"))
    service = parser["Service"]
    assert service["Type"] == "notify"
    assert service["User"] == "efpi"
    assert int(service["WatchdogSec"]) >= 10
    assert service["WatchdogSignal"] == "SIGTERM", "plugins that are told by SIGABRT leave their devices as they are"
    assert service["KillMode"] == "control-group", "after a crash of the gateway its plugins end in order"
    assert service["OOMPolicy"] == "continue", "a plugin that takes too much does not end the gateway"
    assert "Delegate" in service
    assert float(service["TimeoutStopSec"]) > 2.0, "the gateway ends within 2 s"


def test_the_container_has_no_name_of_a_registry_and_no_superuser() -> None:
    text = (PACKAGING / "container" / "Containerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if line.startswith("FROM")] == ["FROM ${BASE} AS build", "FROM ${BASE}"]
    assert "ARG BASE" in lines
    assert lines.index("USER efpi") < next(number for number, line in enumerate(lines) if line.startswith("ENTRYPOINT"))
    assert any(line.startswith("HEALTHCHECK") for line in lines)
