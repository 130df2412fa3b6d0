"""The interface's own command: `efi schema` prints the JSON Schema, `efi validate` checks messages in files."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from efi.errors import faults
from efi.messages import MESSAGE_TYPES, parse_message
from efi.refusal import Refusal
from efi.repeated_key import repeated_key
from efi.schema import message_schema

VALID, INVALID, UNREADABLE = 0, 1, 2

LONGEST_LINE = 4 * 1024 * 1024
"""A longer line is no message: in bytes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the answer is its exit code: 0 all is well, 1 a message is invalid, 2 a file is unreadable."""
    parsed = _parser().parse_args(arguments)
    if parsed.command == "schema":
        return _print_schema(parsed.message)
    return max((_validate_file(name) for name in parsed.files), default=VALID)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="efi", description="The Energy Flexibility Interface: its schema and its checks."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    schema = commands.add_parser("schema", help="print the JSON Schema of the messages")
    schema.add_argument("--message", metavar="NAME", choices=MESSAGE_TYPES, help="of one type of message only")
    validate = commands.add_parser(
        "validate",
        help="check messages, one JSON object a line",
        epilog="Exit code: 0 all valid, 1 some invalid, 2 a file cannot be read.",
    )
    validate.add_argument("files", nargs="+", metavar="FILE", help="a file of JSON lines; - is standard input")
    return parser


def _print_schema(message_type: str | None) -> int:
    sys.stdout.write(json.dumps(message_schema(message_type), indent=2, ensure_ascii=False) + "\n")
    return VALID


def _validate_file(name: str) -> int:
    try:
        if name == "-":
            return _validate(name, sys.stdin.buffer)
        with Path(name).open("rb") as lines:
            return _validate(name, lines)
    except OSError as unreadable:
        sys.stderr.write(f"{name}: cannot be read: {unreadable.strerror}; check the name and your rights\n")
        return UNREADABLE


def _validate(name: str, lines: BinaryIO) -> int:
    code = VALID
    number = 0
    while line := lines.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            sys.stderr.write(
                f"{name}:{number}: the line is longer than {LONGEST_LINE} bytes; write one message a line\n"
            )
            return UNREADABLE
        if line.strip() and not _report(f"{name}:{number}", _faults_of(line)):
            code = INVALID
    return code


def _faults_of(line: bytes) -> list[Refusal]:
    try:
        parse_message(line)
    except ValidationError as invalid:
        return faults(invalid)
    path = repeated_key(line)
    return [] if path is None else [_said_twice(path)]


def _said_twice(path: str) -> Refusal:
    return Refusal("repeated_key", path, None, "it stands twice in one object", "say it once")


def _report(place: str, found: Iterable[Refusal]) -> bool:
    """Print what is wrong; whether nothing was."""
    clean = True
    for fault in found:
        clean = False
        sys.stdout.write(f"{place}: [{fault.rule}] {fault.sentence}\n")
    return clean


if __name__ == "__main__":
    sys.exit(main())
