"""The bundle that an operator gives away: whole in every state of a gateway, and without any secret in any."""

import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from efpi_core.health_words import DETAILS, STATES
from efpi_core.site.secrets import SecretStore
from tests.support.hosted_world import PLUGINS
from tests.support.real_gateway import efpi, running

TOKEN = 'tok"en-9b1f/ü+1'  # noqa: S105  # what must not be found
HIDDEN = "h1dden-w0rd"
COMMENTED = "c0mmented-word"
GONE_PLUGIN = "g0ne-word"
SITE = f"""
efpi: 1
location: {{latitude: 52.3702, longitude: 4.8952}}
appliances:
  meter: {{driver: simulated.meter}}
  lost: {{driver: not.installed, config: {{password: {GONE_PLUGIN}, port: 502}}}}
apps:
  telltale:
    app: telltale.app
    config: {{token: token, url: "http://anna:{HIDDEN}@meter.local/x"}}   # {COMMENTED}
"""

ALWAYS = {"manifest.json", "site.json", "doctor.json", "machine.json", "plugins.json", "database.json", "events.json"}
LIVE = {"health.json", "instances.json", "appliances.json", "observations.json", "metrics.txt", "site-history.json"}


def environment(folder: Path) -> dict[str, str]:
    facts = folder / "efpi_story_telltale-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: efpi-story-telltale\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[efpi]\ntelltale = telltale_plugin\n")
    return {"PYTHONPATH": os.pathsep.join((str(folder), str(PLUGINS))), "XDG_CACHE_HOME": str(folder / "cache")}


def forms(secret: str) -> set[str]:
    """A secret, whole and in pieces that would give it away."""
    return {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]}


def bundle(home: Path, file: Path, around: dict[str, str]) -> dict[str, str]:
    """Make one and read it."""
    told = efpi("diagnostics", file, "--home", home, environment=around)
    assert told.code == 0, told
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with zipfile.ZipFile(file) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    for secret in (TOKEN, HIDDEN, COMMENTED, GONE_PLUGIN, "52.3702"):
        for name, text in texts.items():
            assert not [form for form in forms(secret) if form in text], f"{name} holds {secret}"
    for name, text in texts.items():
        if name.endswith(".json"):
            json.loads(text)
    return texts


@pytest.mark.slow
def test_no_state_of_a_gateway_puts_a_secret_into_its_bundle(tmp_path: Path) -> None:
    home, site = tmp_path / "home", tmp_path / "site.yaml"
    site.write_text(SITE)
    around = environment(tmp_path / "plugins")
    SecretStore(home).set("token", TOKEN)
    with running(home, site, environment=around) as gateway:
        gateway.eventually(
            lambda: [event for event in gateway.says("events") if event["kind"] == "instance_quarantined"],
            "the telltale is off for good",
            60,
        )
        texts = bundle(home, tmp_path / "running.zip", around)
        assert set(texts) >= ALWAYS | LIVE | {"log/efpi.log"}
        words_are_known(texts)
        for shown in (gateway.log, json.dumps(gateway.health()), json.dumps(gateway.instances())):
            assert TOKEN not in shown
            assert HIDDEN not in shown
        gateway.end()
    log = texts["log/efpi.log"]
    assert "the token is •••, the address http://anna:•••@meter.local/x" in log
    assert "cannot log in with •••" in log
    assert "printed: " in log
    assert json.loads(texts["site.json"])["appliances"]["lost"]["config"] == {"password": "•••", "port": 502}

    texts = bundle(home, tmp_path / "stopped.zip", around)
    assert set(texts) >= ALWAYS | {"log/efpi.log"}
    kinds = {event["kind"] for event in json.loads(texts["events.json"])}
    assert {"gateway_started", "instance_quarantined", "gateway_ended", "degraded"} <= kinds
    assert json.loads(texts["database.json"])["integrity"] == ["ok"]

    damage(home / "state.db")
    texts = bundle(home, tmp_path / "damaged.zip", around)
    assert set(texts) >= {"manifest.json", "doctor.json", "database.json", "log/efpi.log"}
    assert json.loads(texts["database.json"])["integrity"] != ["ok"]
    assert "damaged" in {found["detail"] for found in json.loads(texts["doctor.json"])}

    (home / "secrets.json").chmod(0o644)
    texts = bundle(home, tmp_path / "loose.zip", around)
    assert "secrets_loose" in {found["detail"] for found in json.loads(texts["doctor.json"])}

    (home / "secrets.json").write_text("no JSON")
    (home / "secrets.json").chmod(0o600)
    texts = bundle(home, tmp_path / "unknown.zip", around)
    assert set(texts) == {"manifest.json", "machine.json", "plugins.json"}
    assert "cannot be masked" in json.loads(texts["manifest.json"])["left_out"]["log/efpi.log"]


def damage(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:1024] + os.urandom(4096) + content[5120:])


def words_are_known(texts: dict[str, str]) -> None:
    """The states and details of health are those that are documented, in each place that tells them."""
    health = json.loads(texts["health.json"])
    assert health["status"] in ("ok", "starting", "degraded")
    told = [(part["state"], part["detail"]) for part in health["parts"]]
    told += [(view["condition"], view["detail"]) for view in health["instances"]]
    told += [(found["state"], found["detail"]) for found in json.loads(texts["doctor.json"])]
    assert len(told) > 8
    assert {state for state, _ in told} <= set(STATES)
    assert {detail for _, detail in told if detail} <= set(DETAILS)
    for line in texts["metrics.txt"].splitlines():
        if line.startswith(("efpi_part_state{", "efpi_instance_state{")):
            labels = dict(pair.split("=") for pair in line[line.index("{") + 1 : line.index("}")].split(","))
            assert labels["state"].strip('"') in STATES
            assert labels["detail"].strip('"') in {*DETAILS, ""}


def test_a_bundle_of_a_home_that_never_was_still_tells_of_the_machine(tmp_path: Path) -> None:
    texts = bundle(tmp_path / "none", tmp_path / "none.zip", {})
    assert set(texts) >= {"manifest.json", "doctor.json", "machine.json", "plugins.json", "database.json"}
    assert json.loads(texts["machine.json"])["packages"]["efpi"]


@pytest.mark.parametrize("name", ["there.zip", "bundle.tar", "no/such/folder.zip"])
def test_a_file_that_cannot_be_made_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "there.zip").write_text("mine")
    told = efpi("diagnostics", tmp_path / name, "--home", tmp_path)
    assert told.code in (1, 5)
    assert "→" in told.err
    assert (tmp_path / "there.zip").read_text() == "mine"
