"""Lets the tests of this folder find the counterparts in `tests/peers`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "peers"))
