"""The faults of the matrix: those that stand still are plain functions, those that use the context are coroutines."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from faulty_plugin.faults import channel

from efi.allocation import AllocationRevoke
from efi.message import ControlSpaceRevoke
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.context import Context
from efpi_core.plugin.observation import Quality

LEAKED: list[bytes] = []
APPLIANCES: list[str] = []
"""Those that the app of this process controls."""


def fail() -> None:
    """Raise what nobody expects."""
    raise RuntimeError("the plugin has a fault")


def hang() -> None:
    """Wait for what never comes, the event loop with it."""
    time.sleep(3600)


def leave() -> None:
    """End the process without a word."""
    os._exit(3)


def loop() -> None:
    """Use a core for ever."""
    while True:
        pass


def leak() -> None:
    """Take twice what its budget has, and keep it."""
    LEAKED.append(os.urandom(1024) * 120_000)


def chatter() -> None:
    """Print without an end."""
    while True:
        sys.stdout.write("one of far too many lines \x1b[2J\n")


def speak_nonsense() -> None:
    """Say to the gateway what is not a frame."""
    os.write(channel(), b"GET / HTTP/1.1\r\n\r\n")


def fork() -> None:
    """Leave behind a child of this group, a daemon in a session of its own and the daemon's own daemon; then end."""
    if os.fork() == 0:
        time.sleep(3600)
    for _ in range(2):
        if os.fork() == 0:
            os.setsid()
            for _ in range(2):
                if os.fork() == 0:
                    os.setsid()
                    time.sleep(3600)
            time.sleep(3600)
    os._exit(4)


PLAIN: dict[str, Callable[[], None]] = {
    "raise": fail,
    "hang": hang,
    "exit": leave,
    "busy": loop,
    "leak": leak,
    "output": chatter,
    "nonsense": speak_nonsense,
    "fork": fork,
}
"""Those that can be committed anywhere, at the import, too."""


async def flood(context: Context) -> None:
    """Say without an end what may not be left out."""
    number = 0
    while True:
        for _ in range(500):
            number += 1
            context._port.store(f"key{number % 900}", number, durable=False)
        await asyncio.sleep(0)


async def torrent(context: Context) -> None:
    """Send messages of the interface without an end, as fast as they are taken."""
    while True:
        for appliance_id in (*context.appliances, *APPLIANCES):
            for _ in range(50):
                context.say(_nothing(context, appliance_id))
        await asyncio.sleep(0)


def _nothing(context: Context, appliance_id: str) -> ControlSpaceRevoke | AllocationRevoke:
    """Take back what is not there: from a driver its control space, from an app its allocations."""
    kind = ControlSpaceRevoke if appliance_id in context.appliances else AllocationRevoke
    return kind(message_id=context.new_id(), appliance_id=appliance_id, timestamp=context.now())


async def shed(context: Context) -> None:
    """Report the same value without an end; the handler returns in between."""
    for number in range(3_000):
        context.publish(f"{context.instance}.count", number)
    context.call_later(0.0, lambda: shed(context))


async def lie(context: Context) -> None:
    """Say what is well formed, and not this plugin's to say, or makes no sense."""
    port: Any = context._port
    now = context.now()
    context.publish("witness.power", 1e9)
    context.publish("no name at all", 1.0)
    context.publish(f"{context.instance}.count", float("nan"))
    port.condition(ConditionState.OFFLINE, "gone", "the witness is gone", "", "witness")
    port.remove_appliance("witness", "it is mine")
    port.store("", [float("inf")], durable=False)
    port.store("large", "x" * 200_000, durable=False)
    port.watch(("*.*", "**.**.**"))
    port.log(12_345, "\x1b[2J" * 1000)
    port.publish(f"{context.instance}.count", 1, now.replace(year=9000), Quality.GOOD)


SPOKEN = {"flood": flood, "torrent": torrent, "shed": shed, "lie": lie}
"""Those that need a context: there is none at the import."""

ALL = (*PLAIN, *SPOKEN)
