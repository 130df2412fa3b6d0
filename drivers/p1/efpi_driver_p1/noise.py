"""What bytes that are no telegram look like: a piece of one, another protocol, wrong line settings, or plain noise."""

import re

from efpi_driver_p1.errors import Fault
from efpi_driver_p1.text import printable

_ENCRYPTED = re.compile(rb"\xdb\x08([A-Z]{3}[\x00-\xff]{5})")
"""General-global-cipher of DLMS/COSEM (Green Book, 9.2.7): tag, then the system title that begins with the maker."""
_SML = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
_HDLC = re.compile(rb"\x7e(?=([\xa0-\xa7])([\x00-\xff]))")
_MBUS = re.compile(rb"\x68(?=([\x05-\xff])\1\x68)")
_DATA_LINE = re.compile(rb"\d-\d{1,3}:[0-9A-Z]{1,3}\.|\([^()\r\n]*\)|\(\d|^![0-9A-F]{4}\s*$", re.MULTILINE)
_UNPRINTABLE = re.compile(rb"[^\x20-\x7e\r\n\t]")

_TEXT_SHARE = 0.95
_GARBLED_SHARE = 0.3
_STRETCHED_SHARE = 0.6
_ENOUGH = 32
"""Fewer bytes say nothing about line settings."""

_STRETCHED = bytes(byte for byte in range(256) if ((byte ^ (byte >> 1)) & 0x7F).bit_count() <= 1)
"""Bytes that are zeros, then ones (or the reverse): what one slow bit leaves when it is read many times too fast."""
_EVEN = bytes(byte for byte in range(256) if byte.bit_count() % 2 == 0)
_CLEAR_EIGHTH = bytes(byte & 0x7F for byte in range(256))


def name_noise(sample: bytes, *, first: bool) -> tuple[Fault, str]:
    """The fault and its description for bytes between telegrams; `first` when no telegram came before them."""
    if foreign := _foreign(sample):
        return foreign
    plain = _without_parity(sample)
    unprintable = len(_UNPRINTABLE.findall(plain)) / len(plain)
    if unprintable <= 1 - _TEXT_SHARE and (first or _DATA_LINE.search(plain)):
        shown = printable(plain.strip()[:24])
        if first:
            return Fault.CUT_START, f"the stream begins inside a telegram, with {shown!r}"
        return Fault.CUT, f"the rest of a telegram whose first line is lost, from {shown!r}"
    if len(sample) >= _ENOUGH:
        if len(sample.translate(None, _STRETCHED)) <= (1 - _STRETCHED_SHARE) * len(sample):
            return Fault.WRONG_LINE_SETTINGS, "the bytes look like a slow line that is read too fast"
        if unprintable >= _GARBLED_SHARE:
            return Fault.WRONG_LINE_SETTINGS, f"{unprintable:.0%} of the bytes are no text at all"
    return Fault.NOISE, f"no telegram: {sample[:16].hex(' ')}"


def _foreign(sample: bytes) -> tuple[Fault, str] | None:
    if found := _ENCRYPTED.search(sample):
        title = f"{printable(found[1][:3])}, system title {found[1].hex()}"
        return Fault.ENCRYPTED, f"encrypted telegrams (DLMS general-global-cipher) of a meter made by {title}"
    if _SML in sample:
        return Fault.NOT_P1, "SML messages of a German meter"
    for match in _HDLC.finditer(sample):
        length = (match[1][0] & 0x07) << 8 | match[2][0]
        if length > 8 and sample[match.start() + length + 1 : match.start() + length + 2] == b"\x7e":
            return Fault.NOT_P1, "HDLC frames of a meter that speaks DLMS (Norway, Switzerland, parts of Sweden)"
    for match in _MBUS.finditer(sample):
        if sample[match.start() + match[1][0] + 5 : match.start() + match[1][0] + 6] == b"\x16":
            return Fault.NOT_P1, "wired M-Bus frames (customer interface of Austrian and Danish meters)"
    return None


def _without_parity(sample: bytes) -> bytes:
    """The bytes without their eighth bit where it is an even parity bit throughout: a 7E1 line read as 8N1."""
    odd = len(sample.translate(None, _EVEN))
    return sample.translate(_CLEAR_EIGHTH) if odd <= (1 - _TEXT_SHARE) * len(sample) else sample
