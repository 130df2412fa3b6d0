"""The parts of `make prove`: each module in `parts/` with a function `cases()`."""

import hashlib
import importlib
import pkgutil
from collections.abc import Iterable
from pathlib import Path

from tests.prove.case import Case

PARTS = "tests.prove.parts"
ROOT = Path(__file__).parent.parent.parent
CODE = ("efi", "efpi_core", "drivers", "energy_apps")


def part_names(package: str = PARTS) -> list[str]:
    """All parts of a package, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__))


def cases_of(part: str, package: str = PARTS) -> dict[str, Case]:
    """The cases of one part, by name, in its own order."""
    module = importlib.import_module(f"{package}.{part}")
    made: Iterable[Case] = module.cases()
    cases: dict[str, Case] = {}
    for case in made:
        if case.name in cases:
            raise ValueError(f"{part}: two cases are called {case.name!r}")
        cases[case.name] = case
    return cases


def code_stamp() -> str:
    """A digest of the code that is proven: what held for other code says nothing of this."""
    digest = hashlib.sha256()
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".sql", ".yaml", ".toml"} and path.is_file():
                digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
