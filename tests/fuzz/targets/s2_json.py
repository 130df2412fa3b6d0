"""S2's JSON form: any bytes are a message that can be written and read again, or a refusal with its ReceptionStatus."""

from efi.refusal import Refused
from efi.s2.codec import MessageRefused, dump, parse
from efi.s2.content import check_content
from efi.s2.conversation import ReceptionStatusValues
from efi.s2.profile import Profile
from tests.fuzz.target import Target

REFUSALS = (ReceptionStatusValues.INVALID_DATA, ReceptionStatusValues.INVALID_MESSAGE)


def feed(data: bytes) -> None:
    """Read a message in either profile; what is no message is told by field, value and cure."""
    for profile in Profile:
        try:
            message = parse(data, profile)
        except MessageRefused as refused:
            assert refused.status in REFUSALS and refused.refusal.rule
            assert len(str(refused)) < 4000 and str(refused).isprintable(), ascii(str(refused))
            continue
        written = dump(message)
        assert parse(written, profile) == message and dump(parse(written, profile)) == written
        assert b"null" not in written or b"null" in data
        try:
            check_content(message)
        except Refused as refused:
            assert refused.refusal.sentence.isprintable(), ascii(refused.refusal.sentence)


TARGET = Target(
    "s2_json",
    feed,
    words=(
        b'"message_type":"FRBC.SystemDescription"', b'"message_type":"PEBC.Instruction"', b'"message_id":"ab"',
        b'"Id":"a1"', b'"from":"a1"', b'"supported_commodites":[]', b'"ELECTRIC.POWER.3_PHASE_SYMMETRIC"', b"1000.0",
        b'"2026-03-29T01:00Z"', b'"0001-01-01T00:00:00+23:59"', b"-1", b"1e308", b"null", b'"subject_message_id":"ab"',
        b'"NOT_CONTROLABLE"', b"[]", b"{}", b",", b" :", b"\\u003a",
    ),
    holds_json=True,
)  # fmt: skip
