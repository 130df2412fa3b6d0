"""What is promised in seconds where nothing else is busy: the end of a gateway, the next life of what was killed."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from tests.prove.case import Case, Figures
from tests.support.real_gateway import RealGateway, running

DEADLINE_S = 120.0

END_S = 2.0
BACK_S = 2.0
BACK_WITH_FORKER_S = 3.5
"""A server from which processes are forked is made first."""


def cases() -> Iterable[Case]:
    """Each in a demo house of its own."""
    stories = {"end": end, "driver": driver_is_back, "app": app_is_back, "forker": house_is_back}
    return [Case(name, partial(in_demo_house, story), DEADLINE_S) for name, story in stories.items()]


def in_demo_house(story: Callable[[RealGateway], Figures], folder: Path) -> Figures:
    """A story of the demo house, from the moment on when all of it runs."""
    with running(folder / "home", "demo") as gateway:
        gateway.all_run()
        return story(gateway)


def end(gateway: RealGateway) -> Figures:
    """It ends in order."""
    took = gateway.end()
    assert took <= END_S, f"it took {took:.2f} s to end"
    return {"end_s": round(took, 3)}


def driver_is_back(gateway: RealGateway) -> Figures:
    """A driver lives again."""
    return back(gateway, "battery", gateway.pid_of("battery"), BACK_S)


def app_is_back(gateway: RealGateway) -> Figures:
    """An app lives again."""
    return back(gateway, "steering", gateway.pid_of("steering"), BACK_S)


def house_is_back(gateway: RealGateway) -> Figures:
    """What was killed together with the server that forked it lives again."""
    for forker in gateway.forkers():
        os.kill(forker, signal.SIGKILL)
    return back(gateway, "freezer", gateway.pid_of("freezer"), BACK_WITH_FORKER_S)


def back(gateway: RealGateway, instance: str, victim: int, within_s: float) -> Figures:
    """Kill an instance; its next life must run in time."""

    def next_life() -> bool:
        view = gateway.instances()[instance]
        return view["state"] == "running" and view["pid"] not in (None, victim)

    began = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    gateway.eventually(next_life, f"{instance} is back")
    took = time.monotonic() - began
    assert took <= within_s, f"{instance} was back after {took:.2f} s"
    return {"back_s": round(took, 3)}
