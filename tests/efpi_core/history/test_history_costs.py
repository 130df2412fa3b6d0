"""What energy cost: by the price of its quarter hour as it was then, and days are the sums of their quarter hours."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from efpi_core.history.answers import costs_view
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.looking import looking
from efpi_core.history.prices import PriceBook
from efpi_core.history_views import Resolution
from efpi_core.plugin.site_facts import PriceBand
from tests.efpi_core.history.history_world import NOON, counter, ms, opened, put

FLOWS = (("meter.electricity_consumed", "import"), ("meter.electricity_produced", "export"))
NIGHT = PriceBand(Decimal("0.21"), Decimal("0.05"), 23 * 60, 7 * 60)
DAY = PriceBand(Decimal("0.31"), Decimal("0.07"))


def facts(*bands: PriceBand, zone: str = "Europe/Amsterdam") -> HistoryFacts:
    return HistoryFacts(zone, "EUR", bands, flows=FLOWS)


def test_import_costs_and_export_earns(home: Path) -> None:
    store = opened(home, facts(DAY))
    used = counter([(NOON, 0.0), (NOON + timedelta(minutes=10), 3_600_000.0)])
    given_back = counter([(NOON, 0.0), (NOON + timedelta(minutes=10), 7_200_000.0)])
    put(store, NOON, meter__electricity_consumed=used, meter__electricity_produced=given_back)
    for _ in range(2):
        view = store.ask(lambda reader: costs_view(reader, NOON, NOON + timedelta(hours=1), Resolution.QUARTER))
        assert view.columns["cost"] == [Decimal("0.170000")] and view.currency == "EUR"
        assert view.columns["imported"] == [3_600_000] and view.columns["exported"] == [7_200_000]
        store.seal(ms(NOON), all_of_it=True)
    store.close()


def test_another_tariff_changes_nothing_that_was(home: Path) -> None:
    store = opened(home, facts(DAY))
    put(store, NOON, meter__electricity_consumed=counter([(NOON, 0.0), (NOON + timedelta(minutes=10), 3_600_000.0)]))
    store.close()
    store = opened(home, facts(PriceBand(Decimal(9), Decimal(9))))
    later = NOON + timedelta(minutes=20)
    put(
        store,
        later,
        meter__electricity_consumed=counter([(later, 3_600_000.0), (later + timedelta(minutes=5), 7_200_000.0)]),
    )
    store.seal(ms(later), all_of_it=True)
    view = store.ask(lambda reader: costs_view(reader, NOON, NOON + timedelta(hours=1), Resolution.QUARTER))
    assert view.columns["cost"] == [Decimal("0.31"), Decimal("9")]
    store.close()
    with looking(home) as reader:
        assert costs_view(reader, NOON, NOON + timedelta(hours=1), Resolution.QUARTER).columns == view.columns


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 4_000), st.integers(0, 30_000_000)), min_size=1, max_size=40),
    st.sampled_from(["Europe/Amsterdam", "America/New_York", "Asia/Kathmandu"]),
    st.sampled_from(["0.31", "-0.004217", "0.33333333"]),
)
def test_costs_of_quarter_hours_sum_to_those_of_days(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]], zone: str, price: str
) -> None:
    odd = PriceBand(Decimal(price), Decimal("0.07"), 17 * 60 + 7, 19 * 60 + 22)
    store = opened(tmp_path_factory.mktemp("home"), facts(odd, NIGHT, DAY, zone=zone))
    at, shown, rows = datetime(2026, 3, 28, 12, tzinfo=UTC), 0, []
    for later, more in steps:
        at, shown = at + timedelta(seconds=later), shown + more
        rows.append((at, float(shown)))
    put(store, at, meter__electricity_consumed=counter(rows))
    store.seal(ms(at), all_of_it=True)
    begin, end = datetime(2026, 3, 26, tzinfo=UTC), at + timedelta(days=3)
    quarters = store.ask(lambda reader: costs_view(reader, begin, end, Resolution.QUARTER)).columns
    days = store.ask(lambda reader: costs_view(reader, begin, end, Resolution.DAY)).columns
    for column in ("imported", "cost"):
        assert sum(filter(None, quarters[column])) == sum(filter(None, days[column]))  # type: ignore[arg-type]
    store.close()


def test_a_band_that_begins_within_a_quarter_hour_counts_by_its_minutes() -> None:
    book = PriceBook(facts(PriceBand(Decimal("1"), Decimal(0), 12 * 60 + 5, 13 * 60), zone="UTC"))
    begin = ms(NOON) // 1000
    price = book.price(begin)
    assert price is not None and price.import_per_kwh == Decimal(10) / 15
    assert book.price(begin + 3600) is None
