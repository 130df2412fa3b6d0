"""The interface's JSON form: any bytes are a message that can be written and read again, or faults with their cures."""

from pydantic import ValidationError

from efi.errors import faults
from efi.messages import dump_message, parse_message
from tests.fuzz.target import Target

MOST_FAULTS = 20_000


def feed(data: bytes) -> None:
    """Read a message; what is no message is told by field, value and cure."""
    try:
        message = parse_message(data)
    except ValidationError as error:
        if error.error_count() < MOST_FAULTS:
            for fault in faults(error):
                assert fault.rule and fault.sentence.replace("\n", "").isprintable(), ascii(fault.sentence)
        return
    written = dump_message(message)
    assert parse_message(written) == message and dump_message(parse_message(written)) == written


TARGET = Target(
    "efi_json",
    feed,
    words=(
        b'"type":"measurement"', b'"type":"storage_system_description"', b'"timestamp":"0001-01-01T00:00:00+23:59"',
        b'"9999-12-31T23:59:59-23:59"', b'"PT15M"', b'"P99999999999D"', b"-1e15", b"1e15", b'{"a":', b"null", b"true",
        b'"\\u0000"', b'"\\u009b31m"', b'"message_id":"aa"', b",", b"}", b"]", b'"values":[]', b'"1e5"',
    ),
    holds_json=True,
)  # fmt: skip
