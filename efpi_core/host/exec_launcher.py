"""Starts hosted instances as programs of their own."""

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import Mapping

from efpi_core.host.launching import OnBorn, OnGone, no_process, python_program
from efpi_core.host.order import ChildOrder
from efpi_core.host.process_handle import ProcessHandle


class ExecLauncher:
    """Starts a program for each instance, by any interpreter that has efpi: a sandbox's, or another environment's."""

    def __init__(self, interpreter: str | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._interpreter = interpreter
        self._environment = environment

    def launch(self, order: ChildOrder, channel: socket.socket, output: int, on_born: OnBorn, on_gone: OnGone) -> None:
        """Make a process that has `channel` and prints to `output`."""
        loop = asyncio.get_running_loop()
        try:
            with contextlib.closing(channel):
                pid = self._spawn(order, channel.fileno(), output)
        except OSError as error:
            loop.call_soon(on_born, no_process(str(error)))
        else:
            loop.call_soon(on_born, ProcessHandle(pid, os.pidfd_open(pid), on_gone))
        finally:
            os.close(output)

    def _spawn(self, order: ChildOrder, channel: int, output: int) -> int:
        command = python_program(
            "efpi_core.host.child", "--fd", str(channel), "--order", order.to_json(), interpreter=self._interpreter
        )
        process = subprocess.Popen(  # noqa: S603  # our own module, by this interpreter or one that the site names
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(channel,),
            start_new_session=True,
            env=self._environment,
        )
        process.returncode = 0  # it is watched and buried by its handle, not by the subprocess module
        return process.pid

    async def close(self) -> None:
        """There is nothing to close."""
