"""The settings of one P1 port."""

from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from efpi_core.plugin.config import PluginConfig, setting
from efpi_driver_p1.line_settings import LineFormat
from efpi_driver_p1.stream import DEFAULT_ZONE

REPLAY = "replay:"
"""What a port begins with that is a file of recorded telegrams."""
_NETWORK = ("socket", "rfc2217")
_WRITE_IT = "write /dev/ttyUSB0, rfc2217://host:port, socket://host:port or replay:/path/of/a/file"


def _port(text: str) -> str:
    scheme, colon, _ = text.partition("://")
    if not colon:
        if not text.removeprefix(REPLAY) or not text.isprintable():
            raise ValueError(f"{text!r} names no port; {_WRITE_IT}")
        return text
    if scheme not in _NETWORK:
        raise ValueError(f"'{scheme}://' is no kind of port that this driver knows; {_WRITE_IT}")
    parts = urlsplit(text)
    if not parts.hostname or parts.port is None:  # .port raises ValueError itself when it is out of range
        raise ValueError(f"{text!r} must name a host and a port number; {_WRITE_IT}")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{text!r} has more than a host and a port number; {_WRITE_IT}")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; write it like {DEFAULT_ZONE}") from error
    return name


class P1Config(PluginConfig):
    """How to reach the meter. For a meter on a P1 cable the port is all that must be given."""

    port: Annotated[str, AfterValidator(_port)] = setting(
        title="Port",
        description="The P1 cable's serial port; or an adapter in the network, with its line settings made by the "
        "gateway (rfc2217://host:port) or by itself (socket://host:port); or recorded telegrams (replay:/path).",
        example="/dev/ttyUSB0",
        role="serial_port",
        max_length=400,
    )
    baud: int | None = setting(
        None,
        title="Speed",
        description="115200 from DSMR 4 on, 9600 before. Left empty, both are tried until a telegram comes.",
        unit="Bd",
        example=115200,
        ge=300,
        le=921_600,
    )
    format: LineFormat = setting(
        "auto",
        title="Line format",
        description="8N1 from DSMR 4 on, 7E1 before; auto finds it with the speed.",
        example="8N1",
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = setting(
        DEFAULT_ZONE,
        title="Time zone of the meter",
        description="By it the meter's time stamps are read. Any zone of Central European Time will do from "
        "Sweden to Switzerland.",
        example="Europe/Brussels",
    )
    name: str = setting(
        "Electricity meter",
        title="Name",
        description="What people call the meter.",
        example="House connection",
        min_length=1,
        max_length=60,
    )
    repeat: bool = setting(
        False,
        title="Repeat",
        description="Begin recorded telegrams anew when they end. Only for a port that begins with replay:.",
        example=True,
    )
