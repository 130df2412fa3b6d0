"""Starts and commands `flexmeasures_cem.py` from a story."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

PROGRAM = Path(__file__).with_name("flexmeasures_cem.py")


class FlexMeasuresPeer:
    """A running energy manager and its command line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port: int = self._answer()["port"]

    @classmethod
    @contextmanager
    def running(cls, port: int = 0) -> Iterator[Self]:
        """The program with its port open; it ends with the context."""
        with subprocess.Popen(
            [sys.executable, "-W", "ignore", str(PROGRAM), str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield cls(process)
            finally:
                process.kill()

    @property
    def url(self) -> str:
        """Where a resource manager calls, with the place of its appliance's name."""
        return f"ws://127.0.0.1:{self.port}/s2/{{appliance}}"

    def tell(self, do: str, path: str, **what: Any) -> dict[str, Any]:
        """One command, and its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, "path": path, **what}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def look(self, path: str) -> dict[str, Any]:
        """What it knows of a resource manager."""
        return self.tell("look", path)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the energy manager ended"
        answer: dict[str, Any] = json.loads(line)
        return answer
