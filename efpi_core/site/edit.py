"""Changes single values of a site document so that its comments, order and quotes survive."""

from io import StringIO
from typing import Any

from pydantic import JsonValue
from ruamel.yaml import YAML

from efpi_core.errors import SettingsError
from efpi_core.site.loader import load_site
from efpi_core.site.problem import Path, path_text


def set_value(text: str, path: Path, value: JsonValue) -> str:
    """The document with one value set; mappings on the way to it are made.

    Raises SiteError when the outcome is no valid site, SettingsError when the path leads through something else.
    """
    tree, yaml = _read(text)
    here: Any = tree
    for depth, step in enumerate(path[:-1]):
        if isinstance(here, dict) and here.get(step) is None:
            here[step] = {}
        here = _step(here, step, path[: depth + 1])
    if isinstance(here, list) and path[-1] == len(here):
        here.append(value)
    else:
        _step(here, path[-1], path, must_exist=False)
        here[path[-1]] = value
    return _written(tree, yaml)


def remove_value(text: str, path: Path) -> str:
    """The document without one value. Raises as `set_value`, and SettingsError when there is none."""
    tree, yaml = _read(text)
    here: Any = tree
    for depth, step in enumerate(path[:-1]):
        here = _step(here, step, path[: depth + 1])
    _step(here, path[-1], path)
    del here[path[-1]]
    return _written(tree, yaml)


def _read(text: str) -> tuple[Any, YAML]:
    load_site(text)  # refuses what is hostile before the round-trip reader sees it
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml.load(text), yaml


def _written(tree: Any, yaml: YAML) -> str:
    out = StringIO()
    yaml.dump(tree, out)
    load_site(out.getvalue())
    return out.getvalue()


def _step(here: Any, step: str | int, path: Path, *, must_exist: bool = True) -> Any:
    if isinstance(here, dict):
        if step in here or not must_exist:
            return here.get(step)
    elif isinstance(here, list) and isinstance(step, int) and 0 <= step < len(here):
        return here[step]
    raise SettingsError(path_text(path), "there is no such entry", "see `efpi site show`")
