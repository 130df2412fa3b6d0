"""One field of a CSV file (RFC 4180) that a spreadsheet takes for what it is: a text, and never a formula."""

_QUOTED = ',"\n\r'
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(text: str) -> str:
    """A text as a field; one that a spreadsheet would run as a formula gets an apostrophe before it.

    Devices name themselves, and files of figures are opened in spreadsheets by people who trust them. For texts only:
    a number that begins with a minus is a number.
    """
    if text.startswith(_BEGINS_A_FORMULA):
        text = f"'{text}"
    if any(mark in text for mark in _QUOTED):
        return '"' + text.replace('"', '""') + '"'
    return text
