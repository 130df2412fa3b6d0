"""What `efpi run` is told, read from a plain command line without the libraries that help people with an odd one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 8080


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of one run."""

    home: Path | None = None
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    site: str | None = None
    inline: bool = False
    verbose: bool = False
    log: str = "text"
    """How the log looks on standard error: "text" or "json"."""
    json: bool = False
    """Whether the line that says that it runs is JSON."""


_VALUES: dict[str, Callable[[str], object]] = {"home": Path, "host": str, "port": int, "site": str, "log": str}
_FLAGS = frozenset({"inline", "verbose", "json"})

LARGEST_PORT = 65535

LOOKS = ("text", "json")


def plain_options(arguments: Sequence[str]) -> RunOptions | None:
    """The options, if all are spelled out and right; None asks for the full command, which says what is wrong.

    Loading that one takes a tenth of the time to the first answer.
    """
    found: dict[str, object] = {}
    words = iter(arguments)
    for word in words:
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name in found:
            return None
        if name in _FLAGS and not equals:
            found[name] = True
        elif name in _VALUES:
            given = value if equals else next(words, "")
            try:
                found[name] = _VALUES[name](given)
            except ValueError:
                return None
            if not given or given.startswith("-"):
                return None
        else:
            return None
    options = RunOptions(**found)  # type: ignore[arg-type]  # each was made by its own reader above
    return options if 0 <= options.port <= LARGEST_PORT and options.log in LOOKS else None
