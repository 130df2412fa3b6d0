"""Runs `describe` in a process of its own with a deadline: importing a plugin is running it."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

from efpi_core.errors import PluginFailure
from efpi_core.host.launching import python_program
from efpi_core.host.output import printable

DEADLINE_S = 30.0
"""How long a plugin may take to be imported and described."""

LARGEST_ANSWER = 4 * 1024 * 1024
"""Bytes that a description may take."""


def ask(module: str, *arguments: str, question: object = None, deadline_s: float = DEADLINE_S) -> Any:
    """The answer of a describe child, from JSON; PluginFailure when it gives none. Blocks: for a thread or a program.

    Its answer comes through a file, so that nothing it leaves behind can hold up the reader.
    """
    command = python_program("efpi_core.host.describe", module, *arguments)
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as printed:
        asked.write(json.dumps(question).encode())
        asked.seek(0)
        process = subprocess.Popen(  # noqa: S603  # our own module, by this very interpreter
            command, stdin=asked, stdout=answer, stderr=printed, start_new_session=True
        )
        try:
            status = process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end_group(process.pid)
            process.wait()
        if status is None:
            raise PluginFailure(f"{module} took more than {deadline_s:g} s to be imported", SLOW_CURE)
        answer.seek(0)
        text = answer.read(LARGEST_ANSWER + 1)
        printed.seek(0)
        return _understood(module, status, text, printed.read(LARGEST_ANSWER).decode("utf-8", "replace"))


SLOW_CURE = "see what it waits for; importing a plugin must do nothing but define"


def _end_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _understood(module: str, status: int, text: bytes, printed: str) -> Any:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):  # the plugin's own code may have written it
        last = _last_line(printed)
        raise PluginFailure(
            f"{module} ended with status {status} when it was imported{': ' if last else ''}{last}",
            "install a release of the plugin that fits this gateway, or report this to its author",
        ) from None
    if status != 0 and isinstance(answer, dict):
        raise PluginFailure(str(answer.get("problem", "it failed")), str(answer.get("cure", "")))
    return answer


def _last_line(printed: str) -> str:
    lines: Sequence[str] = [line for line in printed.splitlines() if line.strip()]
    return printable(lines[-1])[:300] if lines else ""
