"""What all launchers of hosted processes share."""

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from efpi_core.errors import TryAgainError
from efpi_core.host.order import ChildOrder
from efpi_core.host.process_handle import ProcessHandle

OnBorn = Callable[[ProcessHandle | TryAgainError], None]
"""Told the new process, or why there is none."""

OnGone = Callable[[ProcessHandle], None]
"""Told that a process and all that it forked is gone."""


class Launcher(Protocol):
    """Makes processes for hosted instances. The descriptors given are the launcher's to close."""

    def launch(self, order: ChildOrder, channel: socket.socket, output: int, on_born: OnBorn, on_gone: OnGone) -> None:
        """Make a process that has `channel` and prints to `output`; the answer comes from the event loop."""

    async def close(self) -> None:
        """Make no more processes, and wait for those that only help."""


@dataclass(slots=True)
class Wish:
    """A process to be made: what it is to be, and what it is to have."""

    request: dict[str, object]
    channel: socket.socket
    output: int
    on_born: OnBorn
    on_gone: OnGone

    def close(self) -> None:
        """Close this end's copies of what the process has, or will never have."""
        self.channel.close()
        os.close(self.output)


def python_program(module: str, *arguments: str, interpreter: str | None = None) -> list[str]:
    """The command line that runs a module of this project; the working directory is not searched for modules."""
    return [interpreter or sys.executable, "-P", "-m", module, *arguments]


def no_process(problem: str) -> TryAgainError:
    """Why there is no process, and what to do."""
    return TryAgainError(
        f"no process could be made: {problem}", "free memory, or raise the limit on processes and open files"
    )
