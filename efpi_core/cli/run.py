"""`efpi run`: one gateway at work until it is told to end.

The socket listens first; what takes long to load comes after, so that a board's supervisor and its people see at once
how far the start is.
"""

import asyncio
import contextlib
import gc
import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from efpi_core.cli.exit_code import ExitCode
from efpi_core.cli.first_process import part_from_first_process
from efpi_core.cli.front import Front
from efpi_core.cli.run_options import RunOptions
from efpi_core.cli.service_manager import ServiceManager
from efpi_core.cli.sign_of_life import SignOfLife
from efpi_core.clock import BoottimeEventLoop, RealClock
from efpi_core.errors import SettingsError
from efpi_core.heap import keep_small
from efpi_core.host.cgroup import own_cgroups
from efpi_core.host.launcher import ForkServerLauncher
from efpi_core.logbook.logbook import Logbook, Look, log_path, open_logbook
from efpi_core.state.home import Home, default_home

if TYPE_CHECKING:  # the socket listens before these are loaded
    from efpi_core.gateway.gateway import Gateway

LONGEST_STANDSTILL_S = 90.0
"""A disk that takes a write no further for so long is a matter for the service manager's watchdog."""

SWITCH_S = 0.0005
"""A thread that writes gives way to the event loop after so long; with Python's own 5 ms messages waited for it."""

STOP_S = 1.5
"""The instances have this long for their safe states when the gateway ends; with the rest it is over within 2 s."""


def run(options: RunOptions) -> int:
    """Run a gateway until SIGTERM or Ctrl-C. Raises EfpiError when it cannot begin."""
    ended = part_from_first_process()
    if ended is not None:
        return ended
    manager = ServiceManager.of(os.environ)
    keep_small()
    sys.setswitchinterval(SWITCH_S)
    gc.disable()  # loading makes no garbage, and looking for it costs a tenth of the start
    _refuse_missing_site(options.site)
    home = Home(options.home or default_home(os.environ))
    home.open()
    book = open_logbook(
        log_path(home.path), verbose=options.verbose, look=Look(options.log), elapsed=RealClock().elapsed
    )
    try:
        with asyncio.Runner(loop_factory=BoottimeEventLoop) as runner:
            runner.run(_serve(options, home, book, manager))
    finally:
        book.close()
        home.close()
    return ExitCode.OK


def _refuse_missing_site(site: str | None) -> None:
    if site is None or site == "demo" or Path(site).exists():
        return
    from efpi_core.cli.site_argument import site_text  # noqa: PLC0415  # it knows the nearest name

    site_text(site)
    raise SettingsError("--site", f"{site} cannot be read")


async def _serve(options: RunOptions, home: Home, book: Logbook, manager: ServiceManager) -> None:
    told_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            loop.add_signal_handler(number, told_to_end.set)
    front = Front(options, home, RealClock())
    await front.listen()
    opening = asyncio.create_task(_open(options, home, front, book))
    sign = SignOfLife(manager, RealClock(), lambda: _lives(opening), lambda: front.summary)
    sign.begin()
    ending = asyncio.create_task(told_to_end.wait())
    try:
        await asyncio.wait({opening, ending}, return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            opening.result()
            manager.tell(READY="1", STATUS=front.summary)
            await ending
    finally:
        manager.tell(STOPPING="1", STATUS="bringing the devices to safety")
        sign.stop()
        ending.cancel()
        await _end(opening, front)


def _lives(opening: "asyncio.Task[Gateway]") -> bool:
    """Whether all goes on that must; while the gateway is loading, that the event loop turns is enough."""
    if not opening.done() or opening.cancelled() or opening.exception() is not None:
        return True
    return opening.result().standstill_s < LONGEST_STANDSTILL_S


async def _open(options: RunOptions, home: Home, front: Front, book: Logbook) -> "Gateway":
    """Load the gateway beside the running loop, begin it, and show it."""
    cgroups = None if options.inline else own_cgroups()  # before the forkserver, which is to be where the gateway is
    launcher = ForkServerLauncher()
    try:
        if not options.inline:
            with contextlib.suppress(OSError):  # it is tried again, and named, when an instance needs it
                launcher.start()
        await asyncio.to_thread(importlib.import_module, "efpi_core.cli.opening")
        from efpi_core.cli.opening import open_gateway  # noqa: PLC0415  # loaded by now, after the socket listens
        from efpi_core.http.parts import Parts, installed_parts  # noqa: PLC0415

        gateway = await open_gateway(options, home, RealClock(), launcher, cgroups, book.mask_with)
    except BaseException:
        await launcher.close()
        raise
    gc.freeze()  # what was loaded stays; the collector need not look at it again
    gc.enable()
    front.show(gateway.health, gateway.event_log.tell)
    front.surface.open(gateway, Parts(installed_parts()))
    _say_that_it_runs(gateway, home, front, as_json=options.json)
    return gateway


def _say_that_it_runs(gateway: "Gateway", home: Home, front: Front, *, as_json: bool) -> None:
    name = gateway.health().site
    address = front.address if front.port is not None else None
    if as_json:
        line = json.dumps({"version": gateway.version, "site": name, "address": address, "home": str(home.path)})
    else:
        where = address or "not reachable yet, see above"
        line = f"efpi {gateway.version} runs {name or 'its site'}: {where} (Ctrl-C ends it)"
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _end(opening: "asyncio.Task[Gateway]", front: Front) -> None:
    """End all, within 2 s."""
    if not opening.done():
        opening.cancel()
    (gateway,) = await asyncio.gather(opening, return_exceptions=True)
    stops = [front.close()]
    if not isinstance(gateway, BaseException):
        stops.append(gateway.stop(STOP_S))
    await asyncio.gather(*stops)
