"""`efpi run`: the demo house as people start it, and what may stand in its way."""

import json
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from efpi_core.cli.exit_code import ExitCode
from efpi_core.cli.main import run_command
from tests.support.live_gateway import LiveGateway

METER_ONLY = "efpi: 1\nname: Small\nappliances:\n  meter: {driver: simulated.meter}\n"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    with LiveGateway(tmp_path_factory.mktemp("demo") / "home", "--site", "demo") as gateway:
        gateway.appliances_live(10)
        yield gateway
        gateway.end()
        assert gateway.process.returncode == ExitCode.OK
        assert "Traceback" not in gateway.said


def page(gateway: LiveGateway, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}{path}", timeout=10) as answer:
        return json.loads(answer.read())


def test_the_demo_house_has_ten_appliances_of_all_four_categories(demo: LiveGateway) -> None:
    appliances = page(demo, "/api/appliances")
    assert len(appliances) == 10
    assert {view["category"] for view in appliances} == {
        "inflexible", "time_shiftable", "storage", "output_adjustable",
    }  # fmt: skip
    assert all(view["control_space"] for view in appliances)


def test_the_demo_house_balances_to_zero(demo: LiveGateway) -> None:
    balance = page(demo, "/api/balance")
    accounted = balance["producers"] + balance["storages"] + balance["consumers"]
    assert balance["grid"] - accounted == pytest.approx(balance["unmeasured"], abs=1e-6)
    assert balance["missing"] == []


def test_an_app_steers_every_appliance_that_can_be_steered(demo: LiveGateway) -> None:
    def steered() -> bool:
        views = page(demo, "/api/connections")
        return all(view["app"] == "steering" for view in views if view["candidates"])

    assert demo.wait(steered)
    assert sum(bool(view["candidates"]) for view in page(demo, "/api/connections")) >= 8


def test_the_resident_overrides_the_app_and_gives_back(demo: LiveGateway, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(demo.home)]
    assert run_command(["override", "battery", "off", "--for", "10min", *home]) == ExitCode.OK

    def held_by(holder: str) -> bool:
        return any(
            view["id"] == "battery" and view["controlled_by"] == holder for view in page(demo, "/api/appliances")
        )

    demo.wait(lambda: held_by("resident"))
    assert run_command(["override", "battery", "end", *home]) == ExitCode.OK
    demo.wait(lambda: not held_by("resident"))


@pytest.mark.slow
def test_a_change_of_the_site_keeps_running_what_did_not_change(
    demo: LiveGateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {view["instance"]: view["pid"] for view in page(demo, "/api/instances")}
    run_command(["site", "show", "--home", str(demo.home)])
    text = capsys.readouterr().out
    file = tmp_path / "changed.yaml"
    file.write_text(text.replace("name: Freezer", "name: Freezer\n    enabled: false"))
    assert run_command(["site", "apply", str(file), "--why", "no freezer", "--home", str(demo.home)]) == ExitCode.OK
    after = {view["instance"]: view["pid"] for view in page(demo, "/api/instances")}
    assert set(before) - set(after) == {"freezer"}
    assert all(before[name] == pid for name, pid in after.items())
    assert run_command(["site", "rollback", "1", "--home", str(demo.home)]) == ExitCode.OK
    demo.appliances_live(10)


def test_a_second_gateway_in_the_same_home_is_refused_by_name(demo: LiveGateway) -> None:
    with LiveGateway(demo.home, "--site", "demo") as second:
        assert second.process.wait(20) == ExitCode.TRY_AGAIN
        assert f"process id {demo.process.pid}" in second.said
        assert "--home" in second.said


def test_a_mistyped_site_is_answered_with_the_nearest_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my-house.yaml").touch()
    assert run_command(["run", "--site", str(tmp_path / "my-huose.yaml")]) == ExitCode.REFUSED
    assert "did you mean" in capsys.readouterr().err


def test_a_wrong_site_is_refused_at_the_first_start_with_every_mistake(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("efpi: 1\ncurrency: euro\nlocation: {latitude: 99, longitude: 0}\n")
    with LiveGateway(tmp_path / "home", "--site", str(site)) as gateway:
        assert gateway.process.wait(20) == ExitCode.REFUSED
        assert "line 2" in gateway.said
        assert "line 3" in gateway.said
        assert "Traceback" not in gateway.said


def test_a_home_without_a_site_says_how_to_begin(tmp_path: Path) -> None:
    with LiveGateway(tmp_path / "home") as gateway:
        assert gateway.process.wait(20) == ExitCode.REFUSED
        assert "--site demo" in gateway.said


@pytest.mark.slow
def test_a_home_remembers_its_site(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(METER_ONLY)
    with LiveGateway(tmp_path / "home", "--site", str(site)) as gateway:
        gateway.appliances_live(1)
        gateway.end()
    with LiveGateway(tmp_path / "home") as gateway:
        gateway.appliances_live(1)
        assert gateway.client.get("/api/site")["text"] == METER_ONLY
        gateway.end(signal.SIGINT)
        assert gateway.process.returncode == ExitCode.OK


def test_an_address_of_the_network_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LiveGateway(tmp_path / "home", "--site", "demo", "--host", "0.0.0.0") as gateway:
        assert gateway.process.wait(20) == ExitCode.REFUSED
        assert "ssh -L" in gateway.said


@pytest.mark.slow
def test_a_port_in_use_stops_nobody_and_the_page_comes_when_it_is_free(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(METER_ONLY)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with LiveGateway(tmp_path / "home", "--site", str(site), port=port) as gateway:
            gateway.appliances_live(1)
            health = gateway.client.get("/api/health")
            (part,) = (part for part in health["parts"] if part["name"] == "page")
            assert health["status"] == "degraded"
            assert f"port {port} is in use" in part["text"]
            assert f"--port {port + 1}" in part["cure"]
            assert run_command(["doctor", "--home", str(gateway.home)]) == ExitCode.DEGRADED
            assert f"port {port} is in use" in capsys.readouterr().out
            holder.close()
            gateway.wait(lambda: gateway.client.get("/api/health")["status"] == "ok")
            assert page(gateway, "/api/health")["status"] == "ok"
            gateway.end()


def test_a_gateway_that_is_told_to_end_while_it_starts_ends(tmp_path: Path) -> None:
    with LiveGateway(tmp_path / "home", "--site", "demo") as gateway:
        gateway.wait(lambda: gateway.client.get("/api/health"))  # its first answer comes long before its house
        gateway.end()
        assert gateway.process.returncode == ExitCode.OK
        assert "Traceback" not in gateway.said


def test_the_house_runs_though_nothing_can_be_kept(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with LiveGateway(blocked / "home", "--site", "demo") as gateway:
        gateway.wait(lambda: "runs Demo house" in gateway.said)
        health = page(gateway, "/api/health")
        assert health["status"] == "degraded"
        assert {part["name"] for part in health["parts"] if part["state"] != "ok"} >= {"state", "commands"}
        gateway.end()


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(METER_ONLY)
    with LiveGateway(tmp_path / "home", "--site", str(site)) as gateway:
        gateway.appliances_live(1)
        (instance,) = gateway.client.get("/api/instances")
        gateway.end()
    assert not Path(f"/proc/{instance['pid']}").exists()


def test_a_program_is_told_in_json_that_it_runs(tmp_path: Path) -> None:
    site = tmp_path / "house.yaml"
    site.write_text(METER_ONLY)
    with LiveGateway(tmp_path / "home", "--site", str(site), "--json") as gateway:
        line = gateway.wait(lambda: next((line for line in gateway.said.splitlines() if line.startswith("{")), None))
        told = json.loads(line)
        assert told["site"] == "Small" and told["home"] == str(tmp_path / "home")
        assert told["address"] == f"http://127.0.0.1:{gateway.port}"
