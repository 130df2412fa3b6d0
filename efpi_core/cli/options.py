"""Options that many commands share, and how people write spans and instants."""

import math
import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated

import typer

from efpi_core.cli.client import GatewayClient
from efpi_core.cli.screen import Screen
from efpi_core.cli.wall import MACHINE, Wall, last_showing, next_showing, site_wall
from efpi_core.errors import RefusedError, SettingsError
from efpi_core.nearest import nearest
from efpi_core.state.home import default_home

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", envvar="EFPI_HOME", help="The gateway's directory; usually $XDG_DATA_HOME/efpi.", show_default=False
    ),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

_UNITS_S = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}

LONGEST_SPAN_S = 3650 * 86400

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)", re.ASCII)


def home_path(given: Path | None) -> Path:
    """The home that is meant."""
    return given if given is not None else default_home(os.environ)


class Caller:
    """One command's ends: the gateway it speaks to, and the screen it prints on."""

    def __init__(self, home: Path | None, *, as_json: bool) -> None:
        self.home = home_path(home)
        self.gateway = GatewayClient(self.home)
        self.screen = Screen(as_json=as_json)

    @cached_property
    def wall(self) -> Wall:
        """The clock on the wall of the site that the gateway runs."""
        return site_wall(self.gateway)


def span(text: str, option: str) -> timedelta:
    """A span as people write it: `90s`, `15min`, `2h`, `1d`. Raises SettingsError that names the option."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise SettingsError(option, f"'{text}' is no span", "write a number and its unit, as 90s, 15min, 2h or 1d")
    seconds = float(found[1]) * _UNITS_S[found[2]]
    if not 0 < seconds <= LONGEST_SPAN_S:
        raise SettingsError(option, f"'{text}' is not between nothing and ten years", "name another span")
    return timedelta(seconds=seconds)


def instant(text: str, option: str, now: datetime, wall: Wall = MACHINE) -> datetime:
    """An instant: `18:30`, the next one of a clock on the wall, or an ISO 8601 date with time, by it or with a zone."""
    return _instant(text, option, now, wall, next_showing)


def _instant(
    text: str, option: str, now: datetime, wall: Wall, showing: Callable[[Wall, int, int, datetime], datetime]
) -> datetime:
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}", text, re.ASCII):
            hour, minute = map(int, text.split(":"))
            return showing(wall, hour, minute, now)
        at = datetime.fromisoformat(text)
        return wall.instant(at) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise SettingsError(
            option, f"'{text}' is no instant", "write it as 18:30, or as 2025-06-01T18:30 with or without a zone"
        ) from None


def bounds(lower: float | None, upper: float | None) -> dict[str, float | None]:
    """The bounds of a power as they were given. Raises SettingsError when one is no number, or none is given."""
    if lower is None and upper is None:
        raise SettingsError("--upper", "no bound is given", "give --lower, --upper or both, in W")
    for option, bound in (("--lower", lower), ("--upper", upper)):
        if bound is not None and not math.isfinite(bound):
            raise SettingsError(option, f"{bound} is no power", "give a number of W")
    return {"lower_w": lower, "upper_w": upper}


def past_instant(text: str, option: str, now: datetime, wall: Wall = MACHINE) -> datetime:
    """A span back from now as `2h` or `3d`, or an instant; one of a clock is the latest that has passed."""
    if text[-1:].isalpha() and not text.endswith("Z"):
        return now - span(text, option)
    return _instant(text, option, now, wall, last_showing)


def require_known(name: str, known: Iterable[str], what: str) -> None:
    """Refuse a name that is none, with the nearest one that is."""
    names = sorted(known)
    if name in names:
        return
    near = nearest(name, names)
    cure = f"did you mean '{near}'?" if near else f"there are: {', '.join(names[:30])}" if names else ""
    raise RefusedError(f"there is no {what} '{name}'", cure)
