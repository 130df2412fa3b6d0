"""What an instance said before it failed: its own words of the failure, and the lines that it printed last."""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from efpi_core.gateway.doorway import sentence
from efpi_core.host.frames import Failed
from efpi_core.host.host import Ending
from efpi_core.log_line import say

LOG = logging.getLogger("efpi.instance")

KEPT_LINES = 60
"""How many of the printed lines, and of a trace, are kept to explain a crash."""

REPORT_CURE = "report it to the plugin's author; the log has what it printed last"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is known of the latest failure of an instance, for people who look into it."""

    text: str
    cure: str
    traceback: str
    printed: tuple[str, ...]
    """The lines that it printed last."""


class LastWords:
    """Of one instance in its present life. All come from a stranger's process: bounded lines without secrets."""

    def __init__(self, instance: str, redact: Callable[[str], str]) -> None:
        self._instance = instance
        self._redact = redact
        self._failed: Failed | None = None
        self._printed: deque[str] = deque(maxlen=KEPT_LINES)

    def begin(self) -> None:
        """A new life begins, of which nothing is known."""
        self._failed = None
        self._printed.clear()

    def failed(self, failed: Failed) -> None:
        """It says that it failed; the frame has bounded lines from here on."""
        failed.moment, failed.error, failed.cure = map(self._line, (failed.moment, failed.error, failed.cure))
        failed.traceback = "\n".join(map(self._line, failed.traceback.splitlines()[-KEPT_LINES:]))
        text = f"failed ({failed.moment}): {failed.error}"
        say(LOG, logging.ERROR, "plugin_trace", self._instance, text, trace=failed.traceback)
        if failed.fatal:
            self._failed = failed

    def printed(self, line: str) -> None:
        """It printed a line."""
        line = self._redact(line)
        self._printed.append(line)
        say(LOG, logging.INFO, "plugin_printed", self._instance, line)

    def trouble(self, ending: Ending, kill_cure: str) -> Trouble:
        """Why it ended: as it said itself, else as its end looks; `kill_cure` is what its killer advises."""
        failed = self._failed
        text = self._redact(ending.text) if failed is None else f"{failed.moment}: {failed.error}"
        cure = ending.cure or kill_cure or (failed.cure if failed is not None else "") or REPORT_CURE
        return Trouble(text, cure, failed.traceback if failed is not None else "", tuple(self._printed))

    def _line(self, text: str) -> str:
        return sentence(self._redact(text))
