"""A busy house that is killed at seeded moments and begun again; what must hold stands in docs/faults.md."""

import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from efi.allocation import AllocationStatus
from efpi_core.cli.client import GatewayClient
from efpi_core.clock import RealClock
from efpi_core.errors import EfpiError
from efpi_core.state.state import State
from tests.support.hosted_world import PLUGINS
from tests.support.real_gateway import RealGateway, none_left, site_file, started

MOMENTS = ("start", "run", "run", "driver", "app", "override", "end_override", "limit", "apply", "stop")
"""What is going on when the house is killed."""

FINISHED, REVOKED = AllocationStatus.FINISHED, AllocationStatus.REVOKED

REST_S = 5.0
STEPS = ("wash", "spin")
"""As the devices of the plugin are made."""

TOLERANCE_S = 0.01

MOST_LIVES = 3
"""The restless app replaces what it asked all the time: nothing of it stays open through more busy lives than that."""

SITE = """\
efpi: 1
name: Killed house {revision}
appliances:
  meter: {{driver: simulated.meter}}
  pv: {{driver: simulated.pv}}
  battery: {{driver: simulated.battery}}
  dishwasher: {{driver: simulated.dishwasher}}
  cell: {{driver: lasting.cell, config: {{file: "{folder}/cell"}}}}
  blind: {{driver: lasting.blind_cell, config: {{file: "{folder}/blind"}}}}
  washer: {{driver: lasting.washer, config: {{file: "{folder}/washer"}}}}
apps:
  steering: {{app: self_consumption}}
  restless: {{app: lasting.app}}
connections:
  cell: restless
  blind: restless
  washer: restless
  "*": steering
"""


class KilledHouse:
    """One home through many lives."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.home = folder / "home"
        self.folder = folder / "devices"
        self.folder.mkdir(parents=True)
        self.environment = installed(folder / "plugins")
        self.chance = random.Random(seed)  # noqa: S311  # moments to kill, not secrets
        self.site = site_file(folder, SITE.format(revision=0, folder=self.folder))
        self.lives = 0
        self.overridden: bool | None = False
        self.limited: bool | None = False
        self.names = {"Killed house 0"}
        """What the site in force may be called; None above: nobody knows, since the kill came before the answer."""
        self.ends: dict[int, tuple[str, AllocationStatus]] = {}
        self.open: set[str] = set()
        self.lived_through: dict[str, int] = {}
        self.carried_over = 0
        """Allocations that were open at a kill and went on, or were replaced by a newer one, in the next life."""

    # --- one life

    def live_and_die(self) -> str:
        """Begin, do something, be killed; the answer is what was going on."""
        moment = self.chance.choice(MOMENTS) if self.lives else "run"
        self.lives += 1
        with started(self.home, None if self.lives > 1 else self.site, environment=self.environment) as gateway:
            family: list[int] = []
            if moment == "start":
                time.sleep(self.chance.uniform(0.0, 2.0))  # the moment of the kill is what the test is about
            else:
                self._wait_until_busy(gateway)
                time.sleep(self.chance.uniform(0.2, 1.5))
                self._do(moment, gateway)
            family = gateway.family()
            os.kill(gateway.pid, signal.SIGKILL)
            gateway.process.wait(10)
            none_left(family, 15.0)
        if moment not in ("start", "driver", "app"):
            for cell in ("cell", "blind"):
                assert deeds_of(self.folder / cell)[-1]["mode"] == "idle", "orphaned drivers visit the safe state"
        self.check(busy=moment != "start")
        return moment

    def _wait_until_busy(self, gateway: RealGateway) -> None:
        client = GatewayClient(self.home)

        def all_run() -> bool:
            try:
                views = client.get("/api/health")["instances"]
            except EfpiError:
                return False
            return len(views) == 9 and all(view["state"] == "running" for view in views)

        gateway.eventually(all_run, "every instance runs", 60.0)

    def _do(self, moment: str, gateway: RealGateway) -> None:
        client = GatewayClient(self.home)
        deeds: dict[str, Callable[[], None]] = {
            "override": lambda: self._override(client),
            "end_override": lambda: self._end_override(client),
            "limit": lambda: self._limit(client),
            "apply": lambda: self._apply(client),
            "stop": lambda: gateway.process.send_signal(signal.SIGTERM),
            "driver": lambda: self._kill_one(client, ("cell", "blind", "washer")),
            "app": lambda: self._kill_one(client, ("restless", "steering")),
        }
        deed = deeds.get(moment)
        if deed is None:
            return
        doing = threading.Thread(target=deed, daemon=True)
        doing.start()
        doing.join(self.chance.choice((0.001, 0.005, 0.02, 0.1, 0.6, 2.5)))

    def _override(self, client: GatewayClient) -> None:
        self.overridden = None if not self.overridden else True
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        wish = {"action": "mode", "until": until, "parameters": {"mode": "idle"}}
        if _done(lambda: client.put("/api/overrides/cell", wish)):
            self.overridden = True

    def _end_override(self, client: GatewayClient) -> None:
        if self.overridden is False:
            return
        self.overridden = None
        if _done(lambda: client.delete("/api/overrides/cell")):
            self.overridden = False

    def _limit(self, client: GatewayClient) -> None:
        wanted, self.limited = not self.limited, None
        name = "/api/limits/contract"
        if _done(lambda: client.put(name, {"upper_w": 9000.0}) if wanted else client.delete(name)):
            self.limited = wanted

    def _apply(self, client: GatewayClient) -> None:
        name = f"Killed house {self.lives}"
        text = SITE.format(revision=self.lives, folder=self.folder)
        self.names.add(name)
        if _done(lambda: client.put("/api/site", {"text": text, "why": "another name"}, 60.0)):
            self.names = {name}

    @staticmethod
    def _kill_one(client: GatewayClient, names: tuple[str, ...]) -> None:
        with contextlib.suppress(EfpiError, ProcessLookupError):  # the gateway may be killed before
            for view in client.get("/api/health")["instances"]:
                if view["instance"] in names and view["pid"]:
                    os.kill(view["pid"], signal.SIGKILL)

    # --- what must hold between two lives

    def check(self, *, busy: bool = True) -> None:
        """The invariants, on a copy of what the kill left."""
        copy = self.home.with_name("copy")
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir(mode=0o700)
        for file in self.home.glob("state.db*"):
            shutil.copyfile(file, copy / file.name)
        state = State.open(copy, RealClock())
        try:
            assert state.problem is None
            assert not [event for event in state.events() if event.kind == "state_rescued"]
            self._check_decisions(state)
            self._check_journal(state)
            self._check_turnover(state, busy=busy)
        finally:
            state.close()
        for cell in ("cell", "blind"):
            check_rests(deeds_of(self.folder / cell))
        check_work(deeds_of(self.folder / "washer"))

    def _check_decisions(self, state: State) -> None:
        revision = state.revision_in_force()
        if revision is None:
            assert self.lives == 1
            return
        document = state.revision_document(revision.number)
        assert document is not None
        text, data = document
        assert isinstance(data, dict)
        assert data["name"] in self.names
        assert str(data["name"]) in text, "text and data are of one revision"
        self.names = {str(data["name"])}
        overridden = "cell" in {view.appliance for view in state.overrides()}
        assert self.overridden in (None, overridden), "an override is there, or is not, as it was answered"
        limited = "contract" in {kept.limit.limit_id for kept in state.limits()}
        assert self.limited in (None, limited), "a limit is there, or is not, as it was answered"
        self.overridden, self.limited = overridden, limited

    def _check_journal(self, state: State) -> None:
        opened = [allocation.allocation_id for allocation in state.open_allocations()]
        assert len(opened) == len(set(opened))
        for end in state.ended_allocations():
            known = self.ends.setdefault(end.number, (end.allocation_id, end.status))
            assert known == (end.allocation_id, end.status), "an end is written once"
            assert end.status.final
        ended = [name for name, _ in self.ends.values()]
        twice = {name for name in ended if ended.count(name) > 1} if len(ended) != len(set(ended)) else set()
        assert not twice, f"ended twice: {twice}"
        assert not set(opened) & set(ended), "what ended does not return"
        forgotten = self.open - set(opened) - set(ended)
        assert not forgotten, f"forgotten: {forgotten}"
        numbers = sorted(self.ends)
        assert numbers == list(range(1, len(numbers) + 1)), "no end is left out"
        kept_on = {name for name, word in self.ends.values() if word in (FINISHED, REVOKED)} | set(opened)
        self.carried_over += len(self.open & kept_on)
        self.open = set(opened)

    def _check_turnover(self, state: State, *, busy: bool) -> None:
        """What a gateway does not know any more would stay open for ever."""
        restless = [each.allocation_id for each in state.open_allocations() if each.app == "restless"]
        self.lived_through = {name: self.lived_through.get(name, 0) + busy for name in restless}
        stuck = {name: lives for name, lives in self.lived_through.items() if lives > MOST_LIVES}
        assert not stuck, f"nobody ends these: {stuck}"

    def end_in_order(self) -> dict[str, int]:
        """The last life: everything comes back, and is ended in order with its devices in safety."""
        self.lives += 1
        with started(self.home, environment=self.environment) as gateway:
            self._wait_until_busy(gateway)
            last = max(self.ends, default=0)
            time.sleep(2.0)
            gateway.end()
        self.check()
        assert max(self.ends) > last, "the house went on after all that"
        for cell in ("cell", "blind"):
            assert deeds_of(self.folder / cell)[-1]["mode"] == "idle"
        words = [status for _, status in self.ends.values()]
        return {"ends": len(words), **{f"{word.value}": words.count(word) for word in sorted(set(words))}}


def installed(folder: Path) -> dict[str, str]:
    """The plugin with the lasting devices, installed; as an environment."""
    facts = folder / "efpi_story_lasting-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: efpi-story-lasting\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[efpi]\nlasting = lasting_plugin\n")
    return {"PYTHONPATH": os.pathsep.join((str(folder), str(PLUGINS))), "XDG_CACHE_HOME": str(folder / "cache")}


def _done(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except EfpiError:
        return False
    return True


def deeds_of(path: Path) -> list[dict[str, Any]]:
    """What a device did; a line that a kill cut off is none."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.endswith("}")]


def check_rests(deeds: list[dict[str, Any]]) -> None:
    """A cell rested its least time after each charge, whoever lived meanwhile."""
    rests_since = None
    for before, after in itertools.pairwise(deeds):
        if (before["mode"], after["mode"]) == ("charge", "idle"):
            rests_since = after["t"]
        if (before["mode"], after["mode"]) == ("idle", "charge") and rests_since is not None:
            rested = after["t"] - rests_since
            assert rested >= REST_S - TOLERANCE_S, f"it rested {rested:.3f} s of {REST_S} s"


def check_work(deeds: list[dict[str, Any]]) -> None:
    """Each step of each load was started once, in order; no load was left out."""
    steps = [(deed["of"], deed["step"]) for deed in deeds if "step" in deed]
    assert len(steps) == len(set(steps)), "a step was started twice"
    assert steps == sorted(steps, key=lambda each: (each[0], STEPS.index(each[1]))), "in order"
    loads = [deed["load"] for deed in deeds if "load" in deed]
    assert loads == list(range(1, len(loads) + 1))
