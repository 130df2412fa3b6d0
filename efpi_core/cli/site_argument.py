"""What `--site` and FILE name: the demo house, or a document in a file."""

from pathlib import Path

from efpi_core.errors import SettingsError
from efpi_core.nearest import nearest
from efpi_core.site.demo import demo_text
from efpi_core.site.loader import read_site_text

DEMO = "demo"


def site_text(given: str) -> tuple[str, str]:
    """The name and the text of a document. Raises SettingsError when there is no such file."""
    if given == DEMO:
        return DEMO, demo_text()
    path = Path(given)
    if not path.exists():
        raise SettingsError(given, "there is no such file", _near(path))
    return str(path.absolute()), read_site_text(path)


def _near(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in (".yaml", ".yml")]
    except OSError:
        return "check the folder's name"
    near = nearest(path.name, names)
    return f"did you mean '{path.with_name(near)}'?" if near else "name a YAML file, or `demo` for the demo house"
