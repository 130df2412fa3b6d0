"""The past over HTTP, from a history on the disk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from efpi_core.clock import SteppedClock
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.history import History
from efpi_core.plugin.site_facts import PriceBand
from tests.efpi_core.history.history_world import counter, incoming, ms, opened, put
from tests.support.http_world import NOON, Answer, RecordedGateway, Served, served

FACTS = HistoryFacts(
    "Europe/Amsterdam",
    prices=(PriceBand(Decimal("0.30"), Decimal("0.10")),),
    flows=(("meter.electricity_consumed", "import"),),
)
HOURS = 30
KWH = 3_600_000


class Remembering(RecordedGateway):
    """A house with a history of thirty hours before noon."""

    kept: History

    @property
    def history(self) -> History:  # type: ignore[override]
        """It."""
        return self.kept


@asynccontextmanager
async def remembering(home: Path) -> AsyncIterator[Served]:
    store = opened(home, FACTS)
    at = [NOON - timedelta(minutes=number) for number in range(HOURS * 60, -1, -1)]
    came = {
        "meter.electricity_consumed": counter((one, number * 60_000.0) for number, one in enumerate(at)),
        "boiler.power": incoming((one, float(number % 7)) for number, one in enumerate(at)),
        "boiler.mode": incoming((one, "<b>on</b>" if number % 2 else None) for number, one in enumerate(at)),
    }
    store.append(came, ms(NOON))
    store.seal(ms(NOON), all_of_it=True)
    put(store, NOON, boiler__power=incoming([(NOON + timedelta(seconds=1), 99.5)]))
    store.close()
    gateway = Remembering()
    gateway.kept = History(home, SteppedClock(NOON))
    gateway.kept.start(lambda: FACTS)
    await gateway.kept.flush()
    try:
        async with served(home, gateway) as house:
            yield house
    finally:
        await gateway.kept.stop()


def asked(path: str, **query: str) -> str:
    return f"{path}?{'&'.join(f'{name}={quote(value)}' for name, value in query.items())}"


async def columns(house: Served, path: str, **query: str) -> dict[str, list[Any]]:
    answer: Answer = await house.get(asked(path, **query))
    assert answer.status == 200, answer.body
    found: dict[str, list[Any]] = answer.json["columns"]
    assert len({len(column) for column in found.values()}) == 1
    return found


async def test_the_channels_are_listed_with_the_span_of_what_is_there(tmp_path: Path) -> None:
    async with remembering(tmp_path) as house:
        channels = (await house.get("/api/history")).json
    assert [each["channel"] for each in channels] == ["boiler.mode", "boiler.power", "meter.electricity_consumed"]
    assert channels[1] == {
        "channel": "boiler.power",
        "unit": "W",
        "kind": "number",
        "oldest": "2025-05-31T06:00:00Z",
        "newest": "2025-06-01T12:00:01Z",
    }


async def test_raw_values_hold_what_is_sealed_and_what_is_not(tmp_path: Path) -> None:
    async with remembering(tmp_path) as house:
        found = await columns(
            house, "/api/history/boiler.power", **{"from": "2025-06-01T11:58:00Z", "to": "2025-06-01T14:00:02+02:00"}
        )
        assert found == {
            "at": [
                "2025-06-01T11:58:00Z", "2025-06-01T11:59:00Z", "2025-06-01T12:00:00Z", "2025-06-01T12:00:01Z",
            ],
            "value": [6.0, 0.0, 1.0, 99.5],
            "quality": ["good"] * 4,
        }  # fmt: skip
        texts = await columns(house, "/api/history/boiler.mode", resolution="raw", **{"from": "2025-06-01T11:58:00Z"})
        assert set(texts["value"]) == {"<b>on</b>", None}


async def test_quarter_hours_days_and_costs_agree_to_the_last_digit(tmp_path: Path) -> None:
    async with remembering(tmp_path) as house:
        span = {"from": "2025-05-30T22:00:00Z", "to": "2025-06-01T22:00:00Z"}
        counted = {}
        for resolution in ("quarter", "day"):
            found = await columns(house, "/api/history/meter.electricity_consumed", resolution=resolution, **span)
            costs = await columns(house, "/api/costs", resolution=resolution, **span)
            counted[resolution] = (
                sum(Decimal(one) for one in found["counted"] if one is not None),
                sum(map(Decimal, costs["imported"])),
                sum(map(Decimal, costs["cost"])),
            )
        energy = Decimal(HOURS * 60 * 60_000)
        assert counted["quarter"] == counted["day"] == (energy, energy, energy / KWH * Decimal("0.30"))
        days = await columns(house, "/api/history/boiler.power", resolution="day", **span)
        assert days["at"] == ["2025-05-30T22:00:00Z", "2025-05-31T22:00:00Z"]
        assert sum(days["n"]) == HOURS * 60 + 2 and days["high"][-1] == 99.5
        parts = await columns(house, "/api/history/boiler.power", resolution="quarter", **span)
        assert sum(map(Decimal, parts["energy"])) == sum(map(Decimal, days["energy"])) > 0
        assert sum(days["energy_kwh"]) == pytest.approx(float(sum(map(Decimal, days["energy"])) / KWH))


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("/api/history/nobody.power", {}, "no channel"),
        ("/api/history/boiler.power", {"from": "yesterday"}, "no instant"),
        ("/api/history/boiler.power", {"from": "2025-06-01T12:00:00"}, "no instant"),
        ("/api/history/boiler.power", {"resolution": "<minute>"}, "choose from"),
        ("/api/history/boiler.power", {"from": "2025-06-02T00:00:00Z", "to": "2025-06-01T00:00:00Z"}, "ends before"),
        ("/api/costs", {"from": "0001-01-01T00:00:00Z", "resolution": "quarter"}, "at most"),
    ],
)
async def test_a_question_that_has_no_answer_is_told_why(
    tmp_path: Path, path: str, query: dict[str, str], says: str
) -> None:
    async with remembering(tmp_path) as house:
        answer = await house.get(asked(path, **query))
        assert 400 <= answer.status < 500 and says in answer.body.decode(), answer.body
        assert (await house.get("/api/health")).status == 200


async def test_a_gateway_without_a_history_says_so(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.get("/api/history")
    assert answer.status == 503 and "keeps no history" in answer.body.decode()
