"""The history's writing thread: opens the file, writes batches, and says how each fared."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from efpi_core.errors import EfpiError, TryAgainError
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.history_file import is_damage
from efpi_core.history.incoming import Incoming
from efpi_core.history.reader import HistoryReader
from efpi_core.history.sealer import CounterTurn
from efpi_core.history.store import HistoryStore
from efpi_core.state.database_file import database_problem, primary_code
from efpi_core.state.home import storage_problem

T = TypeVar("T")

_USABLE_STILL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY)
"""After these the connection can be used again; after anything else the file is opened anew."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a batch fared."""

    kept: bool = True
    """Whether it is on the disk; else it is to be handed over again."""
    problem: EfpiError | None = None
    rescued: str = ""
    """The file was found damaged and begun anew: what happened, for people."""
    turns: list[CounterTurn] = field(default_factory=list)
    used_bytes: int = 0
    written_bytes: int = 0
    written_by_day: dict[str, int] = field(default_factory=dict)


class HistoryWriter:
    """Writes in one thread; answers questions in another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store: HistoryStore | None = None
        self._damage: sqlite3.Error | None = None

    def write(self, batch: dict[str, Incoming], facts: HistoryFacts, now_ms: int) -> Outcome:
        """Write a batch; whatever fails is told, never raised."""
        rescued = ""
        kept = False
        try:
            store, rescued = self._open(facts)
            size = store.batches
            try:
                turns = store.append(batch, now_ms)
            finally:
                kept = store.batches > size or not batch
        except sqlite3.Error as error:
            self._give_up(error)
            return Outcome(kept, database_problem(error, self._path), rescued)
        except OSError as error:
            return Outcome(kept, storage_problem(error, self._path), rescued)
        except EfpiError as error:
            return Outcome(kept, error, rescued)
        except Exception as error:  # noqa: BLE001  # whatever it is, the house goes on and people hear of it
            return Outcome(kept, EfpiError(f"the history cannot be written: {error!r}", "report this with the log"))
        wear = store.wear
        return Outcome(True, None, rescued, turns, store.used_bytes, wear.written, wear.days)

    def work(self, job: Callable[[HistoryStore], T], facts: HistoryFacts) -> T:
        """Do something else with the file. Raises EfpiError with the cure when it cannot be done."""
        try:
            return job(self._open(facts)[0])
        except sqlite3.Error as error:
            self._give_up(error)
            raise database_problem(error, self._path) from error
        except OSError as error:
            raise storage_problem(error, self._path) from error

    def _open(self, facts: HistoryFacts) -> tuple[HistoryStore, str]:
        store, rescued = self._store, ""
        if store is None:
            store = HistoryStore(self._path, facts)
            self._store, rescued = store, store.rescued
        elif self._damage is not None:
            damage, self._damage = self._damage, None
            rescued = store.begin_anew(damage)
        if store.facts != facts:
            store.take_facts(facts)
        return store, rescued

    def _give_up(self, error: sqlite3.Error) -> None:
        if is_damage(error):
            self._damage = error
        elif self._store is not None and primary_code(error) not in _USABLE_STILL:
            store, self._store = self._store, None
            store.close()

    def ask(self, question: Callable[[HistoryReader], T]) -> T:
        """Answer a question. Raises sqlite3.Error, and TryAgainError while the file is not open."""
        store = self._store
        if store is None:
            raise TryAgainError("the history is not open", "ask again in a moment; see `efpi doctor`")
        try:
            return store.ask(question)
        except sqlite3.Error as error:
            if is_damage(error):
                self._damage = error
            raise

    def close(self) -> None:
        """Let go of the file."""
        if self._store is not None:
            self._store.close()
            self._store = None
