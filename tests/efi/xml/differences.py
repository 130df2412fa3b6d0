"""Where two messages differ, and whether the reports of a conversion account for it."""

from collections.abc import Iterable, Iterator
from typing import Any

from efi.conversion import Loss


def differing(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The paths of all fields that differ between two dumped messages; of a list, places beyond the shorter too."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            yield from differing(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        if len(before) != len(after):
            yield path
            return
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differing(one, other, f"{path}.{place}")
    elif before != after:
        yield path


def unaccounted(paths: Iterable[str], losses: Iterable[Loss]) -> list[str]:
    """The paths that no loss accounts for: none that lies within one of them, or that they lie within."""
    told = [loss.path for loss in losses]
    return [path for path in paths if not any(_within(path, each) or _within(each, path) for each in told)]


def _within(path: str, other: str) -> bool:
    return path == other or other == "" or path.startswith(f"{other}.")
