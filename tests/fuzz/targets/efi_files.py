"""The files that `efi validate` and `efi convert` read: any bytes are told apart, and what was read can be written."""

from io import BytesIO

from efi.command.documents import documents
from efi.command.forms import WRITERS, FormReader, Settings
from efi.command.report import reading_facts
from efi.command.sources import UnreadableError
from efi.xml.codec import XmlCodec
from tests.fuzz.target import Target

MOST_TOLD = 20_000


def feed(data: bytes) -> None:
    """Read a file and write each message in every form; what is not read has rules, and sentences for people."""
    settings = Settings()
    reader = FormReader(settings)
    writers = {form: make(settings) for form, make in WRITERS.items()}
    try:
        for document in documents("file", BytesIO(data)):
            reading = reader.read(document)
            for refusal in (*reading.refusals, *reading.doubts):
                assert refusal.rule, refusal
                assert refusal.cure, refusal
            assert reading.valid or not reading.messages
            assert len(str(reading_facts(reading))) < MOST_TOLD * (1 + len(data))
            for form, writer in writers.items():
                written = writer.write(reading.messages)
                assert all(loss.reason for loss in written.losses)
                if form in ("interim", "2.0"):
                    for text in written.messages:
                        assert XmlCodec(settings.names).read(text.encode()).messages
    except UnreadableError as unreadable:
        assert unreadable.cure


TARGET = Target(
    "efi_files",
    feed,
    words=(
        b"<?xml version='1.0'?>", b"\xef\xbb\xbf", b"\xff\xfe<\x00", b'xmlns="http://www.flexiblepower.org/efi"',
        b'xmlns="http://www.flexiblepower.org/efi-2"', b"<efiMessage>", b"</efiMessage>", b"<!--", b"-->", b"<![CDATA[",
        b'"message_type":"FRBC.StorageStatus"', b'"type":"measurement"', b"{", b"}", b"[", b"]", b",", b"\n",
        b"INF", b"NaN", b"1e308", b"-1", b"2147483647", b"PT0S", b"P1M", b"2016-10-11T12:00:00", b"9999-12-31T24:00:00",
        b'multiplier="yotta"', b'currency="euro"', b"_x003A_", b"message-001",
    ),
    holds_json=True,
)  # fmt: skip
