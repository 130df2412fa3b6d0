"""The layout of SunSpec models, taken at run time from the definition files that pysunspec2 ships.

The files are data of the SunSpec Alliance: `sunspec2/models/json/model_<id>.json`. Only they are read; the package's
code stays unloaded, since a gateway has little memory. Sizes and offsets count 16-bit registers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HEADER_REGISTERS = 2
"""Every model starts with its identifier and its length, which does not count these two."""

END_MODEL = 0xFFFF
"""The identifier that ends a chain."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a model: where it lies, how it is coded, and what scales it."""

    name: str
    kind: str
    offset: int
    """Registers from the start of its group."""
    size: int
    scale: str | int | None = None
    """The name of the scale-factor point, or a fixed exponent of ten."""
    symbols: Mapping[int, str] | None = None
    """Words of an enumeration by value, or of a bitfield by bit."""

    @property
    def end(self) -> int:
        """The first register behind the point, from the start of its group."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Repeating:
    """A group that a model repeats: the inputs of an inverter, the ports of a storage."""

    name: str
    points: tuple[Point, ...]
    count: str | int
    """How many there are: a number, the name of the point that says so, or 0 for as many as the length holds."""

    @property
    def size(self) -> int:
        """Registers of one repetition."""
        return max((point.end for point in self.points), default=0)


@dataclass(frozen=True, slots=True)
class Model:
    """One model's layout."""

    id: int
    name: str
    points: Mapping[str, Point]
    """The fixed part, from the header on; points of single sub-groups are named `group.point`."""
    repeating: Repeating | None = None

    @property
    def size(self) -> int:
        """Registers of the fixed part, header included."""
        return max(point.end for point in self.points.values())

    def end_of(self, names: frozenset[str]) -> int:
        """The first register behind the named points and the scale factors that they need."""
        end = HEADER_REGISTERS
        for name in names & self.points.keys():
            point = self.points[name]
            end = max(end, point.end)
            if isinstance(point.scale, str) and point.scale in self.points:
                end = max(end, self.points[point.scale].end)
        return end


def _definitions() -> Path | None:
    spec = find_spec("sunspec2")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "models" / "json"


@lru_cache(maxsize=1)
def known_models() -> frozenset[int]:
    """The identifiers of all models whose layout is installed; empty when pysunspec2 is missing."""
    folder = _definitions()
    if folder is None or not folder.is_dir():
        return frozenset()
    stems = (path.stem.removeprefix("model_") for path in folder.glob("model_*.json"))
    return frozenset(int(stem) for stem in stems if stem.isdigit())


@lru_cache(maxsize=32)
def model(identifier: int) -> Model | None:
    """The layout of a model, or None when no definition is installed, as for most makers' own models."""
    if identifier not in known_models():
        return None
    folder = _definitions()
    if folder is None:
        return None
    definition: dict[str, Any] = json.loads((folder / f"model_{identifier}.json").read_bytes())
    return _model(identifier, definition["group"])


def _model(identifier: int, group: dict[str, Any]) -> Model:
    points = {point.name: point for point in _points(group, 0)}
    repeating: Repeating | None = None
    offset = sum(point.size for point in points.values())
    for sub in group.get("groups", ()):
        count = sub.get("count", 1)
        if count == 1:
            for point in _points(sub, offset, prefix=f"{sub['name']}."):
                points[point.name] = point
                offset = point.end
        else:
            repeating = Repeating(str(sub["name"]), tuple(_points(sub, 0)), count)
            break  # what follows a part of unknown length has no fixed place
    return Model(identifier, str(group["name"]), points, repeating)


def _points(group: dict[str, Any], offset: int, prefix: str = "") -> list[Point]:
    points = []
    for entry in group.get("points", ()):
        size = int(entry["size"])
        symbols = {int(symbol["value"]): str(symbol["name"]) for symbol in entry.get("symbols", ())}
        points.append(
            Point(
                name=prefix + str(entry["name"]),
                kind=str(entry["type"]),
                offset=offset,
                size=size,
                scale=entry.get("sf"),
                symbols=symbols or None,
            )
        )
        offset += size
    return points
