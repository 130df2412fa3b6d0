from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from efpi_core.clock import RealClock
from efpi_core.state.state import State


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def open_state(home: Path) -> Iterator[Callable[[], State]]:
    """Opens the state of the test's home, again and again; closes what is left open."""
    opened: list[State] = []

    def open_it() -> State:
        for state in opened:
            state.close()
        opened.append(State.open(home, RealClock()))
        return opened[-1]

    yield open_it
    for state in opened:
        state.close()
