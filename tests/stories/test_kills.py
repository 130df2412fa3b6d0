"""`kill -9` of each kind of process: what is left goes on, what was killed comes back, nothing is orphaned."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.hosted_world import gone_within, runs
from tests.support.real_gateway import RealGateway, none_left, running


def kill(pid: int) -> None:
    """End a process without a word."""
    os.kill(pid, signal.SIGKILL)
    assert gone_within(pid)


def comes_back(gateway: RealGateway, instance: str) -> None:
    """Kill an instance, and wait until its replacement runs."""
    before = gateway.pid_of(instance)
    kill(before)

    def another() -> bool:
        view = gateway.instances()[instance]
        return view["state"] == "running" and view["pid"] not in (None, before)

    gateway.eventually(another, f"{instance} is back")


def pids(gateway: RealGateway) -> dict[str, int]:
    return {name: view["pid"] for name, view in gateway.instances().items()}


@pytest.mark.slow
def test_a_killed_driver_and_a_killed_app_are_back_and_nobody_else_notices(home: Path) -> None:
    with running(home, "demo") as gateway:
        gateway.all_run()
        before = pids(gateway)
        comes_back(gateway, "battery")
        gateway.eventually(lambda: gateway.power("battery") is not None, "the battery tells its power again")
        comes_back(gateway, "steering")
        gateway.eventually(lambda: gateway.appliances()["battery"]["app"] == "steering", "the app is connected again")
        after = pids(gateway)
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"battery", "steering"}
        told = [event for event in gateway.says("events") if event["kind"] == "instance_backing_off"]
        assert {event["subject"] for event in told} == {"battery", "steering"}
        assert all("killed" in event["text"] or "signal" in event["text"] for event in told), told
        gateway.eventually(lambda: gateway.health()["status"] == "ok", "all is well again")


@pytest.mark.slow
def test_the_house_outlives_each_process_from_which_others_are_forked(home: Path) -> None:
    def all_alive(gateway: RealGateway) -> bool:
        views = gateway.instances().values()
        return all(view["state"] == "running" and runs(view["pid"]) for view in views)

    with running(home, "demo") as gateway:
        gateway.all_run()
        names = list(pids(gateway))
        assert gateway.forkers()
        for forker in gateway.forkers():
            kill(forker)
            gateway.eventually(lambda: all_alive(gateway), "every instance runs")
        comes_back(gateway, "freezer")  # a new server starts, and forks
        for name in names:
            gateway.eventually(lambda n=name: gateway.power(n) is not None or n == "steering", f"{name} is live")


@pytest.mark.slow
def test_no_process_outlives_a_killed_gateway_and_its_home_can_be_used_at_once(home: Path) -> None:
    with running(home, "demo") as gateway:
        gateway.all_run()
        assert gateway.cli("connections", "disconnect", "car").code == 0
        family = gateway.family()
        assert len(family) >= 13
        kill(gateway.pid)
        assert gateway.cli("appliances").code == 3
        with running(home) as second:
            second.all_run()
            assert second.appliances()["car"]["app"] is None
            assert second.health()["status"] == "ok"
            none_left(family)
            second.all_run()
