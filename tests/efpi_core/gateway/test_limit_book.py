from datetime import UTC, datetime, timedelta

import pytest

from efi.commodity import Phase
from efpi_core.errors import SettingsError
from efpi_core.gateway.limit_book import LimitBook, excess_w
from efpi_core.plugin.limits import Limit, LimitSource

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def limit(name: str = "peak", **fields: object) -> Limit:
    return Limit(name, LimitSource.CONTRACT, **({"upper_w": 4000.0} | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (limit("a b"), "no name for a limit"),
        (limit("\x1b[31m"), "no name for a limit"),
        (limit("x" * 65), "no name for a limit"),
        (limit("fuse"), "site document states"),
        (limit(upper_w=None), "needs `lower_w` or `upper_w`"),
        (limit(upper_w=float("nan")), "`upper_w` is nan"),
        (limit(lower_w=float("-inf")), "`lower_w` is -inf"),
        (limit(lower_w=4001.0), "lies above"),
        (limit(start=NOW.replace(tzinfo=None)), "`start` names no time zone"),
        (limit(start=NOW, end=NOW), "`end` is not after `start`"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_by_name_and_nothing_changes(wrong: Limit, named: str) -> None:
    book = LimitBook()
    book.set_site_limits([limit("fuse")])
    with pytest.raises(SettingsError, match=named):
        book.put(wrong)
    assert [each.limit_id for each in book] == ["fuse"]


def test_a_limit_takes_the_place_of_one_of_its_name_and_equal_bounds_are_a_limit() -> None:
    book = LimitBook()
    book.put(limit(upper_w=1.0))
    book.put(limit(upper_w=2.0, lower_w=2.0))
    assert [(each.lower_w, each.upper_w) for each in book] == [(2.0, 2.0)]


def test_a_limit_of_the_site_cannot_be_lifted_and_an_unknown_one_neither() -> None:
    book = LimitBook()
    book.set_site_limits([limit("fuse")])
    for name in ("fuse", "nobody"):
        with pytest.raises(SettingsError):
            book.remove(name)
    assert bool(book)


def test_a_limit_holds_from_its_start_up_to_and_without_its_end() -> None:
    book = LimitBook()
    book.put(limit(start=NOW, end=NOW + HOUR))
    assert [bool(book.for_connection(NOW + after)) for after in (-timedelta(1), 0 * HOUR, HOUR)] == [False, True, False]
    assert book.next_change(NOW - HOUR) == NOW
    assert book.next_change(NOW) == NOW + HOUR
    assert book.next_change(NOW + HOUR) is None
    assert book.drop_ended(NOW + HOUR - timedelta(seconds=1)) == ()
    assert [ended.limit_id for ended in book.drop_ended(NOW + HOUR)] == ["peak"]
    assert not book


def test_a_limit_of_an_appliance_is_none_of_the_connection() -> None:
    book = LimitBook()
    book.put(limit(appliance_id="car"))
    assert book.for_connection(NOW) == ()
    assert [each.limit_id for each in book.for_appliance("car", NOW)] == ["peak"]
    assert book.for_appliance("pv", NOW) == ()


@pytest.mark.parametrize(
    ("power", "excess"), [(4000.0, 0.0), (4000.5, 0.5), (-1000.0, 0.0), (-1000.5, -0.5), (0.0, 0.0)]
)
def test_the_excess_is_what_lies_beyond_a_bound(power: float, excess: float) -> None:
    assert excess_w(limit(lower_w=-1000.0), power, {}) == excess
    assert excess_w(limit(lower_w=-1000.0, phase=Phase.L2), 9e9, {Phase.L2: power, Phase.L1: 9e9}) == excess
