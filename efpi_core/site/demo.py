"""The demo house's document, which comes with the gateway."""

from pathlib import Path

DEMO_FILE = Path(__file__).parent / "demo.yaml"


def demo_text() -> str:
    """The document."""
    return DEMO_FILE.read_text(encoding="utf-8")
