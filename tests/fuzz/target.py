"""What a fuzz target is: a parser of bytes from outside, fed with one input, and the promises that it must keep."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.fuzz import targets

CORPUS = Path(__file__).parent / "corpus"
"""A folder a target: inputs to begin with, and every input that once broke a promise (`regression-*`)."""


@dataclass(frozen=True)
class Target:
    """One parser. It keeps its promises when `feed` returns; whatever `feed` raises is a defect."""

    name: str
    feed: Callable[[bytes], None]
    """Gives the parser one input, allows the errors that it declares, and asserts what must hold afterwards."""
    words: tuple[bytes, ...] = field(default=(), repr=False)
    """Pieces from which inputs that get far are made."""
    holds_json: bool = False
    """Whether the lines of an input hold JSON, whose values are worth changing one by one."""
    longest: int = 4096
    """Bytes of an input."""

    @property
    def corpus(self) -> Path:
        """The folder of its first inputs."""
        return CORPUS / self.name

    def seeds(self) -> list[bytes]:
        """Its first inputs, in the order of their names."""
        return list(_files(self.corpus))


@cache
def _files(folder: Path) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted(folder.iterdir()))


def target_names() -> list[str]:
    """All targets, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(targets.__path__))


def target_named(name: str) -> Target:
    """One target; its parser is imported now."""
    target: Target = importlib.import_module(f"tests.fuzz.targets.{name}").TARGET
    return target
