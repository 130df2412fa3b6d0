"""The clock by which people tell instants: the one on the site's wall, or this machine's where no site is known."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from efpi_core.cli.client import GatewayClient
from efpi_core.local_time import LocalTime


class Wall(Protocol):
    """What a clock on the wall shows at an instant, and when it shows something."""

    def face(self, at: datetime) -> datetime:
        """What it shows at an instant: without a zone."""

    def instant(self, face: datetime) -> datetime:
        """The instant, in UTC, at which it shows that."""

    def told(self, at: datetime, form: str = ...) -> str:
        """An instant for people, with its zone."""


class MachineWall:
    """The clock of this machine, with the offset that holds at each instant."""

    def face(self, at: datetime) -> datetime:
        """What it shows at an instant."""
        return at.astimezone().replace(tzinfo=None)

    def instant(self, face: datetime) -> datetime:
        """The instant at which it shows that."""
        return face.astimezone(UTC)

    def told(self, at: datetime, form: str = "%Y-%m-%d %H:%M") -> str:
        """`2026-06-01 18:30 CEST`."""
        return f"{at.astimezone():{form} %Z}"


MACHINE = MachineWall()


def site_wall(gateway: GatewayClient) -> Wall:
    """The clock on the wall of the site that a gateway runs."""
    zone = gateway.get("/api/health").get("time_zone")
    return MACHINE if zone is None else LocalTime(zone)


def next_showing(wall: Wall, hour: int, minute: int, now: datetime) -> datetime:
    """The next instant at which a clock shows a time of day. Raises ValueError when there is no such time."""
    today = wall.face(now).replace(hour=hour, minute=minute, second=0, microsecond=0)
    days = (wall.instant(today + timedelta(days=later)) for later in range(3))
    return next(at for at in days if at > now)


def last_showing(wall: Wall, hour: int, minute: int, now: datetime) -> datetime:
    """The latest instant until now at which a clock showed a time of day. Raises ValueError likewise."""
    today = wall.face(now).replace(hour=hour, minute=minute, second=0, microsecond=0)
    days = (wall.instant(today - timedelta(days=earlier)) for earlier in range(3))
    return next(at for at in days if at <= now)
