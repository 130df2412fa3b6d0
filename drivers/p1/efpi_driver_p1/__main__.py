"""`python -m efpi_driver_p1 decode FILE`: what an unknown meter says."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from efpi_driver_p1.capture import chunks, without_marks
from efpi_driver_p1.decode import as_json, as_table, is_harmless
from efpi_driver_p1.errors import TelegramError
from efpi_driver_p1.stream import DEFAULT_ZONE, TelegramStream
from efpi_driver_p1.telegram import Telegram

ALL_GOOD, SOMETHING_WRONG, CANNOT_READ = 0, 1, 2
_EXIT_CODES = """exit codes:
  0  at least one telegram, and every one of them good (a piece of a telegram
     at the very beginning is reported, but not counted: captures begin so)
  1  something is no good telegram, or there is no telegram at all
  2  the file cannot be read, or the call is wrong
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code tells whether all was well."""
    options = _parser().parse_args(arguments)
    try:
        descriptor = sys.stdin.fileno() if options.file == "-" else os.open(options.file, os.O_RDONLY | os.O_NOCTTY)
    except OSError as error:
        return _unreadable(options.file, error)
    try:
        return _decode(descriptor, options.zone, as_table if options.table else as_json)
    except BrokenPipeError:  # the reader of our output has seen enough, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ALL_GOOD
    except OSError as error:
        return _unreadable(options.file, error)
    except KeyboardInterrupt:
        return ALL_GOOD
    finally:
        os.close(descriptor)


def _decode(descriptor: int, zone: ZoneInfo, show: Callable[[int, Telegram | TelegramError], str]) -> int:
    stream = TelegramStream(zone)
    number = good = 0
    wrong = False

    def report(found: list[Telegram | TelegramError]) -> None:
        nonlocal number, good, wrong
        for one in found:
            number += 1
            good += isinstance(one, Telegram)
            wrong = wrong or not is_harmless(one)
            sys.stdout.write(show(number, one) + "\n")
        sys.stdout.flush()

    for piece in without_marks(chunks(descriptor)):
        report(stream.feed(piece))
    report(stream.end())
    if not number:
        sys.stderr.write("nothing but blanks: no telegram; is the meter's data request line on?\n")
    return SOMETHING_WRONG if wrong or not good else ALL_GOOD


def _unreadable(file: str, error: OSError) -> int:
    sys.stderr.write(f"{file}: {error.strerror}; name a file with the meter's bytes, or - for standard input\n")
    return CANNOT_READ


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(f"{name!r} is no time zone; write it like {DEFAULT_ZONE}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m efpi_driver_p1", description="Look at a smart meter's P1 port.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    decode = commands.add_parser(
        "decode",
        help="print one JSON line for each telegram in captured bytes",
        description="Print one JSON line for each telegram, or for what is none: its name, its place and the cure.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    decode.add_argument("file", metavar="FILE", help="the captured bytes, LF or CR LF; - reads standard input")
    decode.add_argument("--zone", type=_zone, default=DEFAULT_ZONE, help="the meter's time zone (default: %(default)s)")
    decode.add_argument("--table", action="store_true", help="print tables for the eye instead of JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
