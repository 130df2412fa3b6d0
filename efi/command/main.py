"""The command line: `schema` prints the JSON Schema, `validate` checks files, `convert` writes them in another form."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from efi.command.convert import UnwritableError, convert
from efi.command.forms import WRITERS, FormReader, Settings
from efi.command.options import add_settings, settings_of
from efi.command.report import plain
from efi.command.validate import UNREADABLE, VALID, validate
from efi.messages import MESSAGE_TYPES
from efi.schema import message_schema
from efi.wires_page import wires_page
from efi.xml.name_file import NameFileError, write_names

_FILES = "a file, a folder, a pattern, or - for standard input"

_CODES = (
    "Exit code: 0 all valid, 1 some message invalid, 2 something unreadable: a file, or bytes that are no XML or JSON."
)


def run(arguments: Sequence[str], program: str = "efi", add_more: Callable[[Any], None] | None = None) -> int:
    """Run the command; the answer is its exit code. A mistake in the command line itself ends by SystemExit.

    `add_more` adds commands of a larger program, each with a default `run` that takes what was parsed.
    """
    parsed = _parser(program, add_more).parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except BrokenPipeError:
        raise
    except (UnwritableError, NameFileError, OSError) as failed:
        sys.stderr.write(f"{plain(str(failed))}\n")
        return UNREADABLE


def _parser(program: str, add_more: Callable[[Any], None] | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description="The Energy Flexibility Interface: its schema, its checks, and its wire forms."
    )
    commands = parser.add_subparsers(required=True)
    schema = commands.add_parser("schema", help="print the JSON Schema of the messages")
    schema.add_argument("--message", metavar="NAME", choices=MESSAGE_TYPES, help="of one type of message only")
    schema.set_defaults(run=_schema)
    wires = commands.add_parser("wires", help="print what each wire form can carry, as docs/wires.md has it")
    wires.set_defaults(run=_wires)
    check = commands.add_parser(
        "validate",
        help="check messages in files, in whatever form they are",
        description="Check messages: EFI XML of 2016 or 2.0, S2, or the interface's own JSON, found out by itself.",
        epilog=_CODES,
    )
    check.add_argument("files", nargs="+", metavar="FILE", help=_FILES)
    check.add_argument("-v", "--verbose", action="store_true", help="name the valid ones, too")
    check.add_argument("--strict", action="store_true", help="count warnings as mistakes")
    check.add_argument("--json", action="store_true", help="print JSON, for programs")
    check.set_defaults(run=_validate)
    change = commands.add_parser(
        "convert",
        help="write messages in another form",
        description="Write messages in another form; what it cannot carry is told on standard error.",
        epilog=_CODES,
    )
    change.add_argument("--to", required=True, choices=sorted(WRITERS), help="the form to write")
    change.add_argument("files", nargs="+", metavar="FILE", help=_FILES)
    change.add_argument("--out", metavar="DIR", type=Path, help="write files into this folder instead")
    change.add_argument("--json", action="store_true", help="print JSON, for programs")
    add_settings(change)
    change.set_defaults(run=_convert)
    if add_more is not None:
        add_more(commands)
    return parser


def _schema(parsed: argparse.Namespace) -> int:
    sys.stdout.write(json.dumps(message_schema(parsed.message), indent=2, ensure_ascii=False) + "\n")
    return VALID


def _wires(parsed: argparse.Namespace) -> int:
    sys.stdout.write(wires_page())
    return VALID


def _validate(parsed: argparse.Namespace) -> int:
    reader = FormReader(Settings())
    return validate(parsed.files, reader, as_json=parsed.json, verbose=parsed.verbose, strict=parsed.strict)


def _convert(parsed: argparse.Namespace) -> int:
    settings = settings_of(parsed)
    writer = WRITERS[parsed.to](settings)
    code = convert(parsed.files, FormReader(settings), writer, as_json=parsed.json, folder=parsed.out)
    if parsed.names is not None:
        write_names(parsed.names, settings.names)
    return code
