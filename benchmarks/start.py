"""What a start costs: CPU of the gateway to its first answers, beside the start of an eager FastAPI stack.

Both are started in turn, as processes of their own, and asked over HTTP as soon as they listen. Counted is the CPU time
of the process and its threads at the moment of the answer, from the scheduler's own count. The demo house is run; its
ten appliances are processes of their own, whose CPU is shown beside. One run before the measured ones fills the caches.

    python benchmarks/start.py [--runs 7] [--inline]
"""

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HEALTH_TARGET = 0.45
APPLIANCES_TARGET = 1.2
LIVE = 10
PATIENCE_S = 60.0

EAGER = """
import asyncio, sys
import fastapi, jinja2, slixmpp, pymodbus.client, uvicorn
from apscheduler.schedulers.asyncio import AsyncIOScheduler

app = fastapi.FastAPI()
pages = jinja2.Environment(autoescape=True)

@app.get("/api/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}

async def main() -> None:
    scheduler = AsyncIOScheduler()
    scheduler.start()
    config = uvicorn.Config(app, port=int(sys.argv[1]), log_level="warning")
    await uvicorn.Server(config).serve()

asyncio.run(main())
"""
"""The stack that a gateway of this kind would load at once: web framework, templates, XMPP, Modbus, scheduler."""


@dataclass
class Series:
    """CPU times in ms of one kind of start."""

    health: list[float] = field(default_factory=list)
    appliances: list[float] = field(default_factory=list)
    children: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def cpu_ms(pid: int) -> float:
    """CPU time of a process with all its threads, in ms, to the microsecond (proc(5), schedstat)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e6


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    frontier = [pid]
    while frontier:
        parent = frontier.pop()
        for task in Path(f"/proc/{parent}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found.add(child)
                frontier.append(child)
    return found


def first(port: int, path: str, enough: Callable[[object], bool], pause_s: float) -> None:
    """Ask until the answer is 200 and enough."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == 200 and enough(json.loads(body)):
                return
        except (ConnectionError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(pause_s)
    raise SystemExit(f"{path} was not answered in {PATIENCE_S:g} s")


def listening(port: int) -> None:
    """Wait until the port is open, without asking anything."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.002)
    raise SystemExit("nothing listens")


def started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def ended(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(10)


def run_eager(series: Series) -> None:
    port = free_port()
    process = started([sys.executable, "-c", EAGER, str(port)])
    try:
        listening(port)
        first(port, "/api/health", lambda answer: True, 0.002)
        series.health.append(cpu_ms(process.pid))
    finally:
        ended(process)


def all_live(answer: object) -> bool:
    """Ten appliances that are online and have told their power."""
    assert isinstance(answer, list)
    return sum(view["state"] == "online" and view["power"] is not None for view in answer) >= LIVE


def run_gateway(series: Series, home: Path, inline: bool) -> None:
    port = free_port()
    begun = time.monotonic()
    options = ["--home", str(home), "--site", "demo", "--port", str(port), *(["--inline"] if inline else [])]
    process = started([str(Path(sys.executable).with_name("efpi")), "run", *options])
    try:
        listening(port)
        first(port, "/api/health", lambda answer: True, 0.002)
        series.health.append(cpu_ms(process.pid))
        first(port, "/api/appliances", all_live, 0.1)
        series.appliances.append(cpu_ms(process.pid))
        series.wall.append((time.monotonic() - begun) * 1000)
        series.children.append(sum(cpu_ms(child) for child in descendants(process.pid)))
    finally:
        ended(process)


def report(eager: Series, gateway: Series, inline: bool) -> bool:
    base = statistics.median(eager.health)
    print(f"eager FastAPI stack to its first answer          {base:7.0f} ms CPU")
    well = True
    for what, values, target in (
        ("gateway to the first 200 of /api/health", gateway.health, HEALTH_TARGET),
        (f"gateway to /api/appliances with {LIVE} live", gateway.appliances, APPLIANCES_TARGET),
    ):
        middle = statistics.median(values)
        ratio = statistics.median(value / beside for value, beside in zip(values, eager.health, strict=True))
        well = well and ratio <= target
        verdict = "reached" if ratio <= target else "MISSED"
        print(f"{what:47s}  {middle:7.0f} ms CPU   {ratio:.2f} of it (target {target:.2f}, {verdict})")
    place = "inline, in the same process" if inline else "in processes of their own"
    print(f"{'the plugins, ' + place:47s}  {statistics.median(gateway.children):7.0f} ms CPU beside")
    print(f"{'wall time to ten live':47s}  {statistics.median(gateway.wall):7.0f} ms")
    return well


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--inline", action="store_true", help="run the plugins inside the gateway")
    arguments = parser.parse_args()
    eager, gateway = Series(), Series()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.runs + 1):
            one_eager, one_gateway = (Series(), Series()) if number == 0 else (eager, gateway)
            run_eager(one_eager)
            run_gateway(one_gateway, Path(folder) / "home", arguments.inline)
    sys.exit(0 if report(eager, gateway, arguments.inline) else 1)


if __name__ == "__main__":
    main()
