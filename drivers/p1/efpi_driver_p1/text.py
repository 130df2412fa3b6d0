"""Text from a meter, made safe to show: whatever a stranger's device sends, only printable characters leave here."""

_LONGEST = 1024


def printable(raw: bytes) -> str:
    """Bytes as one line of printable text; what is not printable becomes the replacement character."""
    text = raw.decode("ascii") if raw.isascii() else raw.decode("latin-1")
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def decoded(digits: str) -> str | None:
    """The text behind pairs of hexadecimal digits, or None when the digits are no text.

    A number that is sent as it is (`0272031312565`) or that stands for bytes that are no characters stays as it is.
    """
    if len(digits) % 2 or len(digits) > 2 * _LONGEST:
        return None
    try:
        raw = bytes.fromhex(digits).strip(b"\0 ")
    except ValueError:
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text and text.isprintable() else None
