"""What the owner may change over the Unix socket, and nobody over TCP."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from efi.commodity import Phase
from efpi_core.http.unix_socket import SOCKET_FILE
from efpi_core.plugin.limits import Limit, LimitSource
from efpi_core.site.problem import Problem, SiteError
from tests.support.http_world import NOON, served

CHANGES = [
    ("PUT", "/api/connections/battery", {"app": None}),
    ("PUT", "/api/overrides/battery", {"action": "off", "for_s": 60}),
    ("DELETE", "/api/overrides/battery", None),
    ("PUT", "/api/limits/night", {"upper_w": 1000}),
    ("DELETE", "/api/limits/night", None),
    ("POST", "/api/instances/battery/restart", None),
    ("DELETE", "/api/instances/battery/memory", None),
    ("PUT", "/api/site", {"text": "efpi: 1"}),
    ("POST", "/api/site/rollback", {"revision": 6}),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_nobody_changes_anything_over_tcp(tmp_path: Path, method: str, path: str, body: object) -> None:
    async with served(tmp_path) as house:
        answer = await house.ask(method, path, body)
        assert house.gateway.asked == []
    assert answer.status == 403
    assert "owner" in answer.json["detail"]
    assert answer.json["cure"]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_the_owner_changes_it_over_the_unix_socket(tmp_path: Path, method: str, path: str, body: object) -> None:
    async with served(tmp_path) as house:
        answer = await house.own(method, path, body)
        assert len(house.gateway.asked) == 1
    assert answer.status in (200, 204)


async def test_only_the_owner_of_the_home_can_open_the_socket(tmp_path: Path) -> None:
    async with served(tmp_path):
        assert (tmp_path / SOCKET_FILE).stat().st_mode & 0o777 == 0o600


async def test_an_override_may_end_at_an_instant_or_after_a_span(tmp_path: Path) -> None:
    end = "2025-06-01T14:00:00+02:00"
    body = {"action": "mode", "parameters": {"mode": "charge", "factor": 0.5}}
    async with served(tmp_path) as house:
        await house.own("PUT", "/api/overrides/battery", body | {"until": end}, Efpi_By="anna")
        await house.own("PUT", "/api/overrides/battery", body | {"for_s": 600})
        await house.own("DELETE", "/api/overrides/battery", Efpi_By="anna")
        asked = house.gateway.asked
    parameters = {"mode": "charge", "factor": 0.5}
    assert asked[0] == ("override", "battery", "mode", datetime(2025, 6, 1, 12, tzinfo=UTC), parameters, "anna")
    assert asked[1][3] == NOON + timedelta(minutes=10)
    assert asked[2] == ("end_override", "battery", "anna")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"action": "off"}, "until"),
        ({"action": "off", "for_s": 5, "until": "2025-06-01T14:00:00Z"}, "until"),
        ({"action": "off", "until": "2025-06-01T14:00:00"}, "until"),
        ({"action": "off", "for_s": -1}, "for_s"),
        ({"action": "off", "for_s": 60, "because": "x"}, "because"),
    ],
)
async def test_a_wrong_body_is_refused_by_its_field(tmp_path: Path, body: object, named: str) -> None:
    async with served(tmp_path) as house:
        answer = await house.own("PUT", "/api/overrides/battery", body)
        assert house.gateway.asked == []
    assert answer.status == 422
    assert answer.json["path"] == named


async def test_a_limit_is_set_with_all_its_bounds(tmp_path: Path) -> None:
    body = {"source": "grid_operator", "upper_w": 4200, "phase": "l1", "end": "2025-06-01T14:00:00Z", "reason": "peak"}
    async with served(tmp_path) as house:
        answer = await house.own("PUT", "/api/limits/peak", body)
        (asked,) = house.gateway.asked
    end = datetime(2025, 6, 1, 14, tzinfo=UTC)
    limit = Limit("peak", LimitSource.GRID_OPERATOR, None, 4200.0, Phase(answer.json["phase"]), None, None, end, "peak")
    assert asked == ("set_limit", limit, "owner")


async def test_a_refusal_names_what_would_do(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.own("PUT", "/api/connections/battery", {"app": "nobody"})
    assert answer.status == 409
    assert answer.json["cure"] == "name one of: planner"


async def test_a_wrong_site_is_refused_with_its_line(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.own("PUT", "/api/site", {"text": "broken"})
    assert answer.status == 422
    assert answer.json["path"] == "appliances.broken"
    assert "line 3" in answer.json["detail"]


async def test_every_mistake_of_a_site_is_told_with_its_place(tmp_path: Path) -> None:
    mistakes = [
        Problem(("name",), "too long", "shorten it", 2, 7),
        Problem(("apps", "x"), "no such app", "see `efpi plugins`", 9, 3),
    ]
    async with served(tmp_path) as house:
        house.gateway.fault = SiteError(mistakes)
        answer = await house.get("/api/appliances")
    assert answer.status == 422
    assert [(found["line"], found["path"]) for found in answer.json["problems"]] == [(2, "name"), (9, "apps.x")]


async def test_a_site_is_not_applied_upon_a_revision_that_nobody_saw(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        stale = await house.own("PUT", "/api/site", {"text": "efpi: 1"}, If_Match='"6"')
        fresh = await house.own("PUT", "/api/site", {"text": "efpi: 1", "why": "test"}, If_Match='"7"')
        garbled = await house.own("PUT", "/api/site", {"text": "efpi: 1"}, If_Match="seven")
    assert (stale.status, fresh.status, garbled.status) == (412, 200, 412)
    assert fresh.json == {"revision": 8}


@pytest.mark.parametrize("length", [(1 << 20) + 1, 1 << 40])
async def test_a_body_that_announces_too_much_is_refused_before_it_comes(tmp_path: Path, length: int) -> None:
    async with served(tmp_path) as house:
        answer = await house.own("PUT", "/api/site", b"{", Content_Length=str(length))
    assert answer.status == 413


async def test_a_body_that_grows_too_large_is_refused(tmp_path: Path) -> None:
    chunks = b"100000\r\n" + b" " * 0x100000 + b"\r\n1\r\n \r\n0\r\n\r\n"
    async with served(tmp_path) as house:
        answer = await house.own("PUT", "/api/site", chunks, Transfer_Encoding="chunked")
        assert house.gateway.asked == []
    assert answer.status == 413


async def test_a_form_is_not_taken_for_json(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.own("PUT", "/api/site", b"text=x", Content_Type="text/plain")
    assert answer.status == 422
