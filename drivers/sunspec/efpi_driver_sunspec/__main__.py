"""`python -m efpi_driver_sunspec scan HOST[:PORT]`: prints as JSON what SunSpec devices a port has."""

import argparse
import asyncio
import json
import re
import sys
from typing import Any

from efpi_driver_sunspec.errors import PortUnavailableError
from efpi_driver_sunspec.scan import scan
from efpi_driver_sunspec.wire import TIMEOUT_S, Port, SerialPort, TcpPort

FOUND, NOTHING_FOUND, NO_PORT = 0, 1, 3
"""Exit codes; 2 is argparse's, for a wrong command line."""


def parse_port(text: str, arguments: argparse.Namespace) -> Port:
    """`HOST`, `HOST:PORT`, `[ADDRESS]:PORT`, or the path of a serial line."""
    if text.startswith("/"):
        return SerialPort(text, arguments.baudrate, arguments.parity, arguments.stopbits)
    match = re.fullmatch(r"\[(?P<v6>[^\]]+)\](?::(?P<p6>\d+))?|(?P<host>[^:]+)(?::(?P<port>\d+))?", text)
    if match is None:
        raise ValueError(f"'{text}' is no HOST, HOST:PORT, [ADDRESS]:PORT or /path")
    number = int(match["p6"] or match["port"] or 502)
    if not 0 < number < 65536:
        raise ValueError(f"port {number} is not within 1 to 65535")
    return TcpPort(match["v6"] or match["host"], number, "rtu" if arguments.rtu else "tcp")


def parse_units(text: str) -> range:
    """`N`, or `A-B` with both ends included."""
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if not 0 <= first <= last <= 255:
        raise argparse.ArgumentTypeError(f"'{text}' is no unit N or range A-B within 0 to 255")
    return range(first, last + 1)


def command_line() -> argparse.ArgumentParser:
    """The arguments."""
    parser = argparse.ArgumentParser(prog="python -m efpi_driver_sunspec", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    look = commands.add_parser("scan", help="find SunSpec devices and print them as JSON")
    look.add_argument("port", metavar="HOST[:PORT]", help="a host, or the path of a serial line")
    look.add_argument("--unit", metavar="N|A-B", type=parse_units, default=range(1, 2), help="default 1")
    look.add_argument("--timeout", metavar="S", type=float, default=TIMEOUT_S, help=f"default {TIMEOUT_S:g} s")
    look.add_argument("--rtu", action="store_true", help="RTU frames over TCP, as some serial servers pass them on")
    look.add_argument("--baudrate", type=int, default=9600)
    look.add_argument("--parity", choices=("N", "E", "O"), default="N")
    look.add_argument("--stopbits", type=int, choices=(1, 2), default=1)
    return parser


async def _collect(port: Port, units: range, timeout_s: float) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    trouble: dict[str, Any] = {}
    try:
        async for unit in scan(port, units, timeout_s):
            found.append(unit)  # noqa: PERF401  # what was found stays when the port is lost on the way
    except PortUnavailableError as error:
        trouble = {"state": error.detail, "problem": error.problem, "cure": error.cure}
    return {"port": str(port), **trouble, "units": found}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = command_line()
    given = parser.parse_args(arguments)
    try:
        port = parse_port(given.port, given)
    except ValueError as error:
        parser.error(str(error))
    result = asyncio.run(_collect(port, given.unit, given.timeout))
    sys.stdout.write(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    if "state" in result:
        return NO_PORT
    return FOUND if any(unit["state"] == "ok" for unit in result["units"]) else NOTHING_FOUND


if __name__ == "__main__":
    sys.exit(main())
