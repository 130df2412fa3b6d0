"""P1 captures: the files that `python -m efpi_driver_p1 decode` reads, as editors and shells have saved them."""

from zoneinfo import ZoneInfo

from efpi_driver_p1.capture import without_marks
from efpi_driver_p1.decode import as_json, as_table, is_harmless
from efpi_driver_p1.errors import TelegramError
from efpi_driver_p1.stream import TelegramStream

from tests.fuzz.target import Target

ZONE = ZoneInfo("Europe/Amsterdam")


def feed(data: bytes) -> None:
    """The first byte says in pieces of which size the file is read; how it is cut changes nothing of what is said."""
    size, content = 1 + (data[0] if data else 0), data[1:]
    told = said(content, size)
    assert told == said(content, len(content) + 1)
    assert len("".join(told)) < 10_000 * (1 + len(content))


def said(content: bytes, size: int) -> list[str]:
    """What the command prints, in both forms."""
    stream = TelegramStream(ZONE)
    pieces = (content[at : at + size] for at in range(0, len(content), size))
    found = [one for piece in without_marks(pieces) for one in stream.feed(piece)] + stream.end()
    lines = []
    for number, one in enumerate(found):
        line, table = as_json(number, one), as_table(number, one)
        assert line.isascii() and "\n" not in line
        assert table.replace("\n", "").isprintable()
        assert is_harmless(one) or (isinstance(one, TelegramError) and one.cure)
        lines += [line, table]
    return lines


TARGET = Target(
    "p1_capture",
    feed,
    words=(
        b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"/ISK5\\2M550T-1012\r\n", b"\r\n", b"!\r\n", b"!0000\r\n",
        b"1-0:1.7.0(00.438*kW)\r\n", b"\x00", b"\x00/", b"/\x00", b"\xd8\x00", b"\x00\xdc", b"0-1:24.2.1(",
    ),
)  # fmt: skip
