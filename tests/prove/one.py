"""Run one case in this process: `python -m tests.prove.one PACKAGE PART CASE FOLDER`; its figures go to FOLDER.json."""

import json
import sys
from pathlib import Path

from efpi_core.host.prctl import adopt_orphans
from tests.prove.catalogue import cases_of


def main(package: str, part: str, name: str, folder: Path) -> None:
    """Run it; what it leaves behind becomes this process's child, so that the runner finds it."""
    adopt_orphans()
    figures = cases_of(part, package)[name].run(folder)
    folder.with_suffix(".json").write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
