"""Sums made anew from the raw values: the same where all went well, and right where they were not."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from efpi_core.history.history_file import HISTORY_FILE
from efpi_core.history.importing import import_csv
from efpi_core.history.micro import MILLION
from efpi_core.history.rollup import Rollup
from efpi_core.history.store import HistoryStore
from efpi_core.history_views import Resolution
from tests.efpi_core.history.history_world import NOON, counted, counter, incoming, ms, opened, put, quarters, view

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def rebuilt(store: HistoryStore) -> int:
    return sum(map(store.rebuild, store.names()))


def sums(store: HistoryStore) -> dict[str, dict[int, Rollup]]:
    return {name: quarters(store, name) for name in store.names()}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([1_000, 60_000, 400_000, 4_000_000, -3_000_000]), st.integers(0, 3_000)),
        min_size=1,
        max_size=60,
    ),
    cut=st.integers(1, 30),
)
def test_nothing_changes_where_all_came_in_its_time(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]], cut: int
) -> None:
    """A clock that was set back between two seals included."""
    store = opened(tmp_path_factory.mktemp("home"))
    at, shown, rows = NOON, 5_000, []
    for later, more in steps:
        at, shown = at + timedelta(milliseconds=later), shown + more
        rows.append((at, float(shown), float(more)))
    for place in range(0, len(rows), cut):
        part = rows[place : place + cut]
        put(
            store,
            NOON,
            m__energy=counter((at, shown) for at, shown, _ in part),
            a__power=incoming((at, power) for at, _, power in part),
        )
        store.seal(ms(NOON), all_of_it=True)
    before = sums(store)
    assert rebuilt(store) == 0
    assert sums(store) == before
    put(store, at, m__energy=counter([(at + MINUTE, shown + 7.0)]), a__power=incoming([(at + MINUTE, 0.0)]))
    store.seal(ms(NOON), all_of_it=True)
    assert counted(store, "m.energy") == (shown + 7 - int(rows[0][1])) * MILLION
    store.close()


def minutes(begin: int, end: int) -> list[tuple[object, float]]:
    return [(NOON + number * MINUTE, 600.0) for number in range(begin, end)]


def csv_of(folder: Path, rows: list[tuple[object, float]]) -> Path:
    file = folder / "gap.csv"
    lines = [f"a.power,{at.isoformat()},{value},W,number" for at, value in rows]  # type: ignore[attr-defined]
    file.write_text("\n".join(["channel,at,value,unit,kind", *lines]))
    return file


def test_what_was_imported_into_a_gap_counts(tmp_path: Path) -> None:
    store = opened(tmp_path / "home")
    for begin, end in ((0, 100), (400, 501)):
        put(store, NOON, a__power=incoming(minutes(begin, end)))  # type: ignore[arg-type]  # instants
        store.seal(ms(NOON), all_of_it=True)
    import_csv(csv_of(tmp_path, minutes(100, 400)), store)
    assert sum(one.estimated for one in quarters(store, "a.power").values()) < 500 * 36_000 * MILLION
    assert rebuilt(store) > 0
    assert sum(one.estimated for one in quarters(store, "a.power").values()) == 500 * 36_000 * MILLION
    days = view(store, "a.power", NOON - 24 * HOUR, NOON + 24 * HOUR, Resolution.DAY).columns
    assert sum(map(float, days["energy"])) == 500 * 36_000  # type: ignore[arg-type]
    assert rebuilt(store) == 0
    store.close()


def spoiled(home: Path, *statements: str) -> None:
    with closing(sqlite3.connect(home / HISTORY_FILE)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    "statements",
    [
        ("UPDATE quarter SET estimated = 0", "UPDATE day SET estimated = 0", "UPDATE channel SET last_at = NULL"),
        ("UPDATE quarter SET total = 7, n = 3, low = -1, high = 9e9",),
        ("DELETE FROM quarter WHERE start % 1800 = 0",),
    ],
)
def test_what_an_older_efpi_did_not_keep_or_somebody_spoiled_is_there(
    tmp_path: Path, statements: tuple[str, ...]
) -> None:
    home = tmp_path / "home"
    store = opened(home)
    rows = minutes(0, 300)
    put(store, NOON, a__power=incoming(rows), m__energy=counter((at, 5.0 * n) for n, (at, _) in enumerate(rows)))  # type: ignore[arg-type, misc]
    store.seal(ms(NOON), all_of_it=True)
    before = sums(store)
    store.close()
    spoiled(home, *statements)
    store = opened(home)
    assert sums(store) != before
    assert rebuilt(store) > 0
    assert sums(store) == before
    for name in store.names():
        found = view(store, name, NOON - 24 * HOUR, NOON + 24 * HOUR, Resolution.DAY).columns
        assert sum(found["n"]) == 300  # type: ignore[arg-type]
    store.close()


def test_the_sums_of_a_damaged_chunk_stay(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = opened(home)
    for begin in (0, 100, 200):
        rows = minutes(begin, begin + 100)
        shown = [(at, 5.0 * (begin + number)) for number, (at, _) in enumerate(rows)]
        put(store, NOON, a__power=incoming(rows), m__energy=counter(shown))  # type: ignore[arg-type]
        store.seal(ms(NOON), all_of_it=True)
    before = sums(store)
    store.close()
    spoiled(home, "UPDATE chunk SET content = x'00' WHERE id IN (3, 4)")
    store = opened(home)
    rebuilt(store)
    assert sums(store) == before
    assert sum(one.counted or 0 for one in sums(store)["m.energy"].values()) == 5 * 299 * MILLION
    store.close()


def test_what_is_gone_raw_keeps_its_sums(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = opened(home)
    for begin in range(0, 600, 100):
        put(store, NOON, a__power=incoming(minutes(begin, begin + 100)))  # type: ignore[arg-type]
        store.seal(ms(NOON), all_of_it=True)
    before = sums(store)
    store.close()
    until = ms(NOON + 200 * MINUTE)
    spoiled(
        home,
        f"DELETE FROM chunk WHERE last < {until}",  # noqa: S608  # own number
        f"INSERT OR REPLACE INTO note (name, value) VALUES ('raw_from', '{until}')",  # noqa: S608  # likewise
    )
    store = opened(home)
    rebuilt(store)
    after = sums(store)
    assert {start: one for start, one in after["a.power"].items() if one.n} == {
        start: one for start, one in before["a.power"].items() if one.n
    }
    store.close()


def test_a_house_without_values_has_nothing_to_rebuild(tmp_path: Path) -> None:
    store = opened(tmp_path / "home")
    assert rebuilt(store) == 0
    assert store.rebuild("nobody.power") == 0
    store.close()
