"""Takes staged values into the history: once, in any order, and only where their time is not summed up already."""

from collections.abc import Generator
from contextlib import closing

from efpi_core.history.series import Series
from efpi_core.history.staged import StagedValues
from efpi_core.history.store import HistoryStore
from efpi_core.history_views import Imported


def take_in(staged: StagedValues, channel: tuple[str, str, str], store: HistoryStore) -> Imported:
    """Take in all staged values of one channel, in one transaction."""
    name, unit, kind = channel
    done = Imported(channels=1)

    def fresh() -> Generator[Series, None, None]:
        with closing(staged.series(name)) as parts:
            for series in parts:
                new, known = store.without_known(name, series)
                kept = store.without_summed_up(name, new)
                done.rows += len(series)
                done.known += known
                done.summed_up += len(new) - len(kept)
                done.taken += len(kept)
                if len(kept):
                    yield kept

    with closing(fresh()) as parts:
        store.load(store.channel(name, unit, kind), parts)
    return done
