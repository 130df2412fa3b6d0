"""Nothing is left behind, whoever is killed and whatever runs in a hosted process at that moment."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosted_world import children_of, environment, gone_within, runs

ROOT = Path(__file__).parent.parent.parent.parent


@dataclass
class Family:
    """The processes of one small gateway."""

    gateway: subprocess.Popen[str]
    server: int
    children: list[int]
    forked: list[int]

    def kill(self, *who: int) -> None:
        for pid in who:
            os.kill(pid, signal.SIGKILL)

    @property
    def all(self) -> list[int]:
        return [pid for pid in (self.gateway.pid, self.server, *self.children, *self.forked) if pid]


@contextlib.contextmanager
def family(tmp_path: Path, *wishes: dict[str, Any]) -> Iterator[Family]:
    """A small gateway with one instance for each wish; whatever is left of it fails the test and is ended."""
    for number, wish in enumerate(wishes):
        wish["diary"] = str(tmp_path / f"diary{number}")
        Path(wish["diary"]).touch()
    path = os.pathsep.join([str(ROOT), environment()["PYTHONPATH"]])
    gateway = subprocess.Popen(
        [sys.executable, "-m", "tests.support.small_gateway", json.dumps(wishes)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(PYTHONPATH=path),
        cwd=ROOT,
    )
    with gateway:
        assert gateway.stdout is not None
        told = json.loads(gateway.stdout.readline())
        household = Family(gateway, **told)
        try:
            yield household
        finally:
            gateway.kill()
            left = [pid for pid in household.all if pid != gateway.pid and not gone_within(pid)]
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            assert left == []


def test_when_the_gateway_is_killed_the_instances_visit_their_safe_states_and_end(tmp_path: Path) -> None:
    with family(tmp_path, {}, {"launcher": "exec"}) as household:
        household.kill(household.gateway.pid)
        for pid in (*household.children, household.server):
            assert gone_within(pid)
    for number in (0, 1):
        assert (tmp_path / f"diary{number}").read_text().split() == ["start", "safe", "stop"]


@pytest.mark.slow
def test_a_busy_instance_whose_gateway_is_killed_is_ended_by_the_forkserver(tmp_path: Path) -> None:
    with family(tmp_path, {"moment": "poll", "fault": "busy", "every_s": 0.05, "patience_s": 60}) as household:
        household.kill(household.gateway.pid)
        assert gone_within(household.children[0])
        assert gone_within(household.server)


@pytest.mark.parametrize("moment", ["start", "poll"])
@pytest.mark.parametrize("launcher", ["fork", "exec"])
def test_a_busy_instance_that_is_left_alone_ends_itself(tmp_path: Path, launcher: str, moment: str) -> None:
    wish = {"launcher": launcher, "moment": moment, "fault": "busy", "every_s": 0.05, "patience_s": 2.0}
    with family(tmp_path, wish) as household:
        household.kill(*([household.server] if household.server else []), household.gateway.pid)
        assert gone_within(household.children[0])


def test_a_hung_handler_does_not_outlive_the_gateway_and_its_device_is_left_safe(tmp_path: Path) -> None:
    with family(tmp_path, {"moment": "poll", "fault": "hang", "every_s": 0.05}) as household:
        household.kill(household.gateway.pid, household.server)
        assert gone_within(household.children[0])
    assert (tmp_path / "diary0").read_text().split() == ["start", "fault", "hang", "safe", "stop"]


@pytest.mark.parametrize("fault", ["fork", "daemon"])
def test_what_an_instance_forked_does_not_outlive_the_gateway(tmp_path: Path, fault: str) -> None:
    with family(tmp_path, {"moment": "start", "fault": fault}) as household:
        assert runs(household.forked[0])
        household.kill(household.gateway.pid)
        assert gone_within(household.forked[0])


def test_what_an_instance_forked_does_not_outlive_gateway_and_forkserver(tmp_path: Path) -> None:
    with family(tmp_path, {"moment": "start", "fault": "fork"}) as household:
        household.kill(household.server, household.gateway.pid)
        assert gone_within(household.forked[0])


@pytest.mark.parametrize("fault", [{}, {"moment": "poll", "fault": "busy", "every_s": 0.05, "patience_s": 2.0}])
@pytest.mark.parametrize("with_servers", [False, True])
def test_instances_of_a_template_do_not_outlive_the_gateway(
    tmp_path: Path, fault: dict[str, Any], with_servers: bool
) -> None:
    with family(tmp_path, *({**fault} for _ in range(3))) as household:
        (template,) = [pid for pid in children_of(household.server) if pid not in household.children]
        household.kill(household.gateway.pid, *((household.server, template) if with_servers else ()))
        for pid in (*household.children, template, household.server):
            assert gone_within(pid)


def test_the_forkservers_death_leaves_its_children_at_work(tmp_path: Path) -> None:
    with family(tmp_path, {}, {}) as household:
        household.kill(household.server)
        assert gone_within(household.server)
        assert not gone_within(household.children[0], 0.5)
        assert runs(household.children[1])


def test_a_prints_end_does_not_keep_a_device_from_its_safe_state(tmp_path: Path) -> None:
    with family(tmp_path, {"moment": "safe_state", "fault": "print"}) as household:
        household.kill(household.gateway.pid)
        assert gone_within(household.children[0])
    assert (tmp_path / "diary0").read_text().split() == ["start", "fault", "print", "safe", "stop"]
