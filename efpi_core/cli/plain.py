"""Texts of devices and plugins on a terminal: without anything that a terminal would obey."""


def plain_text(text: str) -> str:
    """The text with every character replaced that is not printed: escapes, controls, marks that turn its direction."""
    return text if text.isprintable() else "".join(mark if mark.isprintable() else "\ufffd" for mark in text)
