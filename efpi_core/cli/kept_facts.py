"""The history of a home in which no gateway runs, opened for writing, with what the site of that home says."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from efpi_core.cli.kept_site import KeptSite
from efpi_core.errors import EfpiError
from efpi_core.gateway.history_facts import facts_of_site
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.history_file import HISTORY_FILE, open_for_reading
from efpi_core.history.looking import kept_facts
from efpi_core.history.store import HistoryStore
from efpi_core.site.loader import load_site
from efpi_core.state.database_file import database_problem
from efpi_core.state.home import DATABASE_FILE, Home, storage_problem


@contextmanager
def open_kept_history(home: Path) -> Iterator[HistoryStore]:
    """The history, while no gateway may begin. Raises TryAgainError when one runs."""
    there = Home(home)
    path = home / HISTORY_FILE
    try:
        facts = _facts(home)
        there.open()
        if there.problem is not None:
            raise there.problem
        with closing(HistoryStore(path, facts)) as store:
            yield store
    except sqlite3.Error as error:
        raise database_problem(error, path) from error
    except OSError as error:
        raise storage_problem(error, path) from error
    finally:
        there.close()


def _facts(home: Path) -> HistoryFacts:
    if not (home / DATABASE_FILE).exists():
        return _known_facts(home)
    with KeptSite(home) as kept:
        try:
            _, text = kept.in_force()
            return facts_of_site(load_site(text).site)
        except EfpiError:  # the site of an older efpi, or none
            return _known_facts(home)


def _known_facts(home: Path) -> HistoryFacts:
    """Without a site: the days stay those of the clock that they have, and prices are not known."""
    if not (home / HISTORY_FILE).exists():
        return HistoryFacts()
    with closing(open_for_reading(home / HISTORY_FILE)) as connection:
        return kept_facts(connection)
