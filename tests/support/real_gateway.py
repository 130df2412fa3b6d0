"""The real program as a person meets it: `efpi run` in a process of its own, seen over HTTP, by CLI and in /proc."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.support.hosted_world import runs

PATIENCE_S = 60.0
"""A story fails rather than waits longer."""

LOOK_EVERY_S = 0.05

ENDS_WITHIN_S = 10.0
"""The end of a gateway that waits for nobody, on a machine however busy; `make prove` measures what is promised."""

FORGETS_S = 20.0
"""A gateway that does not end is killed after this long, so that no test leaves one."""

T = TypeVar("T")


def eventually(look: Callable[[], T], what: str, within_s: float = PATIENCE_S) -> T:
    """The first answer that is true, looked for again and again."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what}")
        time.sleep(LOOK_EVERY_S)


class Told:
    """What a finished command said."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON value."""
        return json.loads(self.out)

    @property
    def complaint(self) -> Any:
        """Standard error, which must be one JSON value."""
        return json.loads(self.err)

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


def efpi(*words: object, environment: Mapping[str, str] | None = None, wrapper: Sequence[str] = ()) -> Told:
    """Run one command of `efpi` to its end; `wrapper` is a program that starts it."""
    done = subprocess.run(
        [*wrapper, program(), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=90,
        env=dict(os.environ, **(environment or {})),
        check=False,
    )
    return Told(done)


def program() -> str:
    """The command `efpi` beside this Python."""
    return str(Path(sys.executable).with_name("efpi"))


class RealGateway:
    """One run of `efpi run`."""

    def __init__(
        self,
        home: Path,
        process: subprocess.Popen[bytes],
        log: Path,
        environment: Mapping[str, str],
        wrapper: Sequence[str],
    ) -> None:
        self.home = home
        self.process = process
        self.log_file = log
        self.port = 0
        self._around: dict[str, Any] = {"environment": environment, "wrapper": wrapper}

    @property
    def pid(self) -> int:
        """Of the gateway itself."""
        return self.process.pid

    @property
    def log(self) -> str:
        """What it printed so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    # --- over HTTP

    def get(self, path: str) -> Any:
        """The JSON at a path of its page's port."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.loads(answer.read())

    def health(self) -> dict[str, Any]:
        """GET /api/health."""
        health: dict[str, Any] = self.get("/api/health")
        return health

    def appliances(self) -> dict[str, dict[str, Any]]:
        """GET /api/appliances, by id; none while it starts."""
        try:
            return {view["id"]: view for view in self.get("/api/appliances")}
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return {}
            raise

    def instances(self) -> dict[str, dict[str, Any]]:
        """The instances in its health, by name."""
        return {view["instance"]: view for view in self.health()["instances"]}

    def power(self, appliance: str) -> float | None:
        """W of an appliance, if it is known and fresh."""
        view = self.appliances().get(appliance)
        return None if view is None or view["power_quality"] != "good" else view["power"]

    def eventually(self, look: Callable[[], T], what: str, within_s: float = PATIENCE_S) -> T:
        """The same as the function, and the end of the log when it does not come."""
        try:
            return eventually(look, what, within_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-4000:]}") from None

    def state(self, instance: str, *wanted: str, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until an instance is in one of these states."""

        def look() -> dict[str, Any] | None:
            view = self.instances().get(instance)
            return view if view is not None and view["state"] in wanted else None

        return self.eventually(look, f"{instance} is {' or '.join(wanted)}", within_s)

    def condition(self, instance: str, *wanted: str, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until an instance is in one of these conditions."""

        def look() -> dict[str, Any] | None:
            view = self.instances().get(instance)
            return view if view is not None and view["condition"] in wanted else None

        return self.eventually(look, f"{instance} is {' or '.join(wanted)}", within_s)

    def all_run(self, within_s: float = PATIENCE_S) -> None:
        """Wait until every instance runs."""
        self.eventually(
            lambda: (views := self.instances()) and all(view["state"] == "running" for view in views.values()),
            "every instance runs",
            within_s,
        )

    # --- by command

    def cli(self, *words: object) -> Told:
        """A command about this gateway."""
        return efpi(*words, "--home", self.home, **self._around)

    def says(self, *words: object) -> Any:
        """The JSON of a command that succeeds."""
        told = self.cli(*words, "--json")
        assert told.code == 0, told
        return told.json

    # --- its processes

    def family(self) -> list[int]:
        """The gateway and all that descends from it, by /proc."""
        return [self.pid, *descendants(self.pid)]

    def pid_of(self, instance: str) -> int:
        """The process of an instance."""
        pid: int = self.instances()[instance]["pid"]
        return pid

    def forkers(self) -> list[int]:
        """The processes from which its instances were forked: the server, and templates of single plugins."""
        parents = {parent_of(view["pid"]) for view in self.instances().values() if view["pid"]}
        return sorted(parents - {0, 1, self.pid})

    def end(self) -> float:
        """SIGTERM, upon which it must end in order, by itself; returns how long it took, s."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {ENDS_WITHIN_S:g} s:\n{self.log[-4000:]}") from None
        assert code == 0, f"it ended with {code}:\n{self.log[-4000:]}"
        return time.monotonic() - began


def parent_of(pid: int) -> int:
    """The parent of a process; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def descendants(pid: int) -> list[int]:
    """Children, and theirs."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def none_left(pids: list[int], within_s: float = PATIENCE_S) -> None:
    """Wait until none of these processes is there."""
    eventually(lambda: not [pid for pid in pids if runs(pid)], f"none of {pids} is there", within_s)


def site_file(folder: Path, text: str, name: str = "site.yaml") -> Path:
    """A site document as a file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def started(
    home: Path,
    site: str | Path | None = None,
    *,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    wrapper: Sequence[str] = (),
) -> Iterator[RealGateway]:
    """A gateway that was just started; whatever happens, nothing of it stays."""
    log = home.parent / f"{home.name}.{time.monotonic_ns()}.log"
    words = [*wrapper, program(), "run", "--home", str(home), "--port", str(port)]
    if site is not None:
        words += ["--site", str(site)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            words,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, **(environment or {})),
            start_new_session=True,
        )
    gateway = RealGateway(home, process, log, environment or {}, wrapper)
    try:
        yield gateway
    finally:
        family = gateway.family()
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(FORGETS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                if runs(pid) and pid != process.pid:
                    os.kill(pid, signal.SIGKILL)


@contextmanager
def running(home: Path, site: str | Path | None = None, **more: Any) -> Iterator[RealGateway]:
    """A gateway that shows its house."""
    with started(home, site, **more) as gateway:
        gateway.port = gateway.eventually(lambda: listening_port(gateway), "it listens")
        gateway.eventually(lambda: gateway.health()["instances"], "its instances are known")
        yield gateway


def listening_port(gateway: RealGateway) -> int | None:
    """The TCP port on which a gateway listens, by /proc, so that nobody else's answers are taken for its own."""
    if gateway.process.poll() is not None:
        raise AssertionError(f"it ended with {gateway.process.returncode}:\n{gateway.log}")
    inodes = set()
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{gateway.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(link.readlink())
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[3] == "0A" and words[9] in inodes:
            return int(words[1].rpartition(":")[2], 16)
    return None
