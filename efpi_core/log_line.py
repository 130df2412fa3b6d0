"""How the gateway speaks to its log: each line has a stable event name and says of whom it speaks."""

import logging
from collections.abc import Mapping
from types import TracebackType

LINES: dict[str, str] = {
    "plugin_log": "A plugin's own line, at the level that it chose.",
    "plugin_printed": "A line that a plugin's process printed, to its standard output or error.",
    "plugin_trace": "The trace of what a plugin raised.",
    "lines_left_out": "How many lines of one instance were left out, since it says too much.",
    "instance_killed": "An instance that did not end in order within its deadline.",
    "no_cgroup": "An instance for which the kernel made no control group; its processes have a bound each.",
    "part_missing": "A part of the platform that is installed and cannot be loaded.",
    "request_failed": "A request over HTTP that met an unexpected error; the answer names its number.",
    "log_lost": "How many lines the log itself could not take, since the disk or the terminal did not keep up.",
    "library": "A line of a library.",
}
"""The lines that are no event of the journal; see docs/operating.md."""

Trace = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None] | None


def say(  # a line has as many facts
    log: logging.Logger,
    level: int,
    event: str,
    subject: str,
    text: str,
    *,
    trace: str = "",
    exc_info: Trace | BaseException | bool = None,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Write one line. `event` is a kind of the journal or one of `LINES`; `trace` may have many lines.

    `facts` are further fields of the line, as `cure`; those that are empty are left out.
    """
    if log.isEnabledFor(level):
        told = {"event": event, "subject": subject, "trace": trace, "facts": facts or {}}
        log.log(level, "%s", text, exc_info=exc_info, extra=told)
