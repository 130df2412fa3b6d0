"""Runs the worker that makes tables, and keeps what it made."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from efpi_driver_simulated.table import Table, read_table

DEADLINE_S = 20.0
"""A worker that takes longer is ended."""


class NoTableError(Exception):
    """There is no table and none could be made; `problem` and `cure` are for people."""

    def __init__(self, problem: str, cure: str) -> None:
        self.problem = problem
        self.cure = cure
        super().__init__(f"{problem}; {cure}")


async def table_at(path: Path, arguments: Sequence[str], deadline_s: float = DEADLINE_S) -> Table:
    """The table kept at `path`, made first by the worker with these arguments if need be; raises NoTableError."""
    if not await asyncio.to_thread(path.exists):
        await _make([*arguments, str(path.parent)], deadline_s)
    return await asyncio.to_thread(_read, path)


def table_while_time_stands(path: Path, arguments: Sequence[str], deadline_s: float = DEADLINE_S) -> Table:
    """The same for a simulation, whose time must not go on meanwhile: it waits as a plain function does."""
    if not path.exists():
        try:
            ran = subprocess.run(  # noqa: S603  # our own module with our own arguments
                [*_command(), *arguments, str(path.parent)], capture_output=True, timeout=deadline_s, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise _too_slow(deadline_s) from error
        _judge(ran.returncode, ran.stderr)
    return _read(path)


def _command() -> tuple[str, ...]:
    return sys.executable, "-m", "efpi_driver_simulated.tables"


def _read(path: Path) -> Table:
    try:
        return read_table(path)
    except (OSError, ValueError) as error:
        raise NoTableError(f"the table cannot be read: {error}", f"delete {path} and start again") from error


async def _make(arguments: Sequence[str], deadline_s: float) -> None:
    worker = await asyncio.create_subprocess_exec(
        *_command(), *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(deadline_s):
            _, complaint = await worker.communicate()
    except TimeoutError as error:
        raise _too_slow(deadline_s) from error
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
    _judge(worker.returncode, complaint)


def _too_slow(deadline_s: float) -> NoTableError:
    return NoTableError(
        f"making the table took more than {deadline_s:.0f} s",
        "start the instance again when the machine is less busy, or set `tables: built_in`",
    )


def _judge(exit_code: int | None, complaint: bytes) -> None:
    """Raise NoTableError with the worker's last words if it failed."""
    if exit_code != 0:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise NoTableError(
            f"the worker that makes tables failed: {last[0][:300]}",
            "pip install 'efpi-driver-simulated[tables]', or set `tables: built_in`",
        )
