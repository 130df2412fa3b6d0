"""A gateway as people run it: the command `efpi run` in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from efpi_core.cli.client import GatewayClient
from efpi_core.errors import EfpiError

ROOT = Path(__file__).parents[2]

PATIENCE_S = 60.0


class LiveGateway:
    """`efpi run` in a home, from the start of its process to its end."""

    def __init__(self, home: Path, *options: str, port: int = 0) -> None:
        self.home = home
        self.client = GatewayClient(home)
        self.log = Path(tempfile.mkstemp(prefix="efpi-run-", suffix=".log")[1])
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "efpi_core.cli", "run", "--home", str(home), "--port", str(port), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )

    @property
    def said(self) -> str:
        """All that it printed."""
        return self.log.read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        """Where its page is."""
        found = self.wait(lambda: re.search(r"http://127\.0\.0\.1:(\d+)", self.said))
        return int(found[1])

    def wait(self, look: Callable[[], Any]) -> Any:
        """What `look` gives, as soon as it gives something; a gateway that does not answer yet is asked again."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                if found := look():
                    return found
            except EfpiError:
                pass
            assert self.process.poll() is None, self.said
            time.sleep(0.05)
        raise AssertionError(f"it never came:\n{self.said}")

    def appliances_live(self, count: int) -> list[dict[str, Any]]:
        """The appliances, as soon as so many are online and have told their power."""

        def live() -> list[dict[str, Any]] | None:
            views: list[dict[str, Any]] = self.client.get("/api/appliances")
            good = [view for view in views if view["state"] == "online" and view["power"] is not None]
            return views if len(good) >= count else None

        found: list[dict[str, Any]] = self.wait(live)
        return found

    def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Tell it to end; returns how long that took, in s."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(PATIENCE_S)
        return time.monotonic() - begun

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
