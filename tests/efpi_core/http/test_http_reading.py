"""What the HTTP interface shows."""

import math
import re
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from efpi_core.errors import RefusedError, SettingsError, TryAgainError
from efpi_core.gateway_api import GatewayApi
from efpi_core.http.json_form import to_json
from efpi_core.http.metrics import family
from efpi_core.http.parts import Parts
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.observation import Quality
from efpi_core.plugin.routes import HttpRoute, Role
from tests.support.http_world import HOSTILE, RecordedGateway, event, served


async def test_a_healthy_gateway_says_so_with_each_part(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.get("/api/health")
    assert answer.status == 200
    assert answer.json["status"] == "ok"
    assert answer.json["revision"] == 7
    assert answer.json["now"] == "2025-06-01T12:00:00Z"
    assert [instance["state"] for instance in answer.json["instances"]] == ["running", "backing_off"]


async def test_a_degraded_gateway_still_answers_200(tmp_path: Path) -> None:
    async with served(tmp_path, RecordedGateway(status="degraded")) as house:
        assert (await house.get("/api/health")).status == 200


async def test_health_is_503_only_while_nothing_works(tmp_path: Path) -> None:
    async with served(tmp_path, RecordedGateway(status="failed")) as house:
        answer = await house.get("/api/health")
    assert answer.status == 503
    assert answer.json["status"] == "failed"


async def test_the_appliances_are_a_list_with_what_steers_each(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        appliances = (await house.get("/api/appliances")).json
    battery = next(appliance for appliance in appliances if appliance["id"] == "battery")
    assert battery["category"] == "storage"
    assert battery["power"] == 1500.0
    assert battery["app"] == "planner"
    assert battery["control_space"][0]["type"] == "storage_state_update"
    assert battery["control_space"][0]["fill_level"] == 0.62
    assert battery["allocations"][0]["status"] == "started"
    assert battery["allocations"][0]["reason"] == "Charges from surplus until 14:00"


async def test_a_device_s_text_arrives_unchanged_and_only_as_text(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.get("/api/appliances/washer")
    assert answer.json["name"] == HOSTILE
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_one_appliance_is_found_by_its_id_and_a_stranger_is_404(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        assert (await house.get("/api/appliances/pv")).json["power"] == -3000.0
        missing = await house.get("/api/appliances/sauna")
    assert missing.status == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert "sauna" in missing.json["detail"]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/api/connections", "candidates"),
        ("/api/instances", "restarts"),
        ("/api/limits", "upper_w"),
        ("/api/overrides", "until"),
        ("/api/journal", "number"),
    ],
)
async def test_every_list_is_a_list_of_its_views(tmp_path: Path, path: str, key: str) -> None:
    async with served(tmp_path) as house:
        answer = await house.get(path)
    assert answer.status == 200
    assert answer.json
    assert all(key in item for item in answer.json)


async def test_observations_are_chosen_by_a_pattern(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.get("/api/observations?name=battery.*")
        assert ("observations", "battery.*") in house.gateway.asked
    assert answer.json[0] == {
        "name": "battery.fill_level",
        "value": 0.62,
        "unit": "1",
        "quality": "good",
        "at": "2025-06-01T12:00:00Z",
        "age_s": 0.5,
    }


async def test_the_balance_says_what_is_unmeasured(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        balance = (await house.get("/api/balance")).json
    accounted = balance["producers"] + balance["storages"] + balance["consumers"]
    assert balance["grid"] - accounted == balance["unmeasured"] == 100.0
    assert balance["missing"] == ["washer"]


async def test_the_journal_goes_on_after_a_number(tmp_path: Path) -> None:
    async with served(tmp_path, RecordedGateway(happened=[event(number) for number in range(1, 9)])) as house:
        answer = await house.get("/api/journal?after=3&count=2")
        refused = await house.get("/api/journal?after=-1")
    assert [item["number"] for item in answer.json] == [4, 5]
    assert refused.status == 400


async def test_the_site_comes_with_its_revision_as_tag(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.get("/api/site")
    assert answer.json == {"revision": 7, "text": "efpi: 1\n"}
    assert answer.headers["etag"] == '"7"'


async def test_the_history_tells_who_and_why_and_each_text_can_be_read_again(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        history = (await house.get("/api/site/history")).json
        text = (await house.get("/api/site/history/6")).json
        missing = await house.get("/api/site/history/99")
    assert [(revision["number"], revision["in_force"]) for revision in history] == [(6, False), (7, True)]
    assert text == {"revision": 6, "text": "efpi: 1  # 6\n"}
    assert missing.status == 409


async def test_the_schema_of_the_messages_is_published(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        schema = (await house.get("/api/schema/messages")).json
    assert "StorageStateUpdate" in schema["$defs"]


async def test_metrics_have_the_power_of_each_appliance_and_only_good_values(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.get("/metrics")
    lines = answer.body.decode().splitlines()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'efpi_appliance_power_watts{appliance="pv",role="producer"} -3000' in lines
    assert 'efpi_balance_watts{part="unmeasured"} 100' in lines
    assert 'efpi_observation{name="battery.fill_level",unit="1"} 0.62' in lines
    assert not any('name="meter.power"' in line for line in lines)
    assert 'efpi_appliance_allocations_open{appliance="battery"} 1' in lines
    assert 'efpi_instance_restarts_total{instance="planner"} 3' in lines


def test_a_label_cannot_break_out_of_its_quotes() -> None:
    (_, sample) = family("f", "gauge", "about", [({"name": 'a"} 1\nf{b="\\'}, 1.0)])
    assert sample == 'f{name="a\\"} 1\\nf{b=\\"\\\\"} 1\n'


def test_a_number_that_is_none_has_a_json_form() -> None:
    assert to_json({"a": math.nan, "b": math.inf, "c": Quality.STALE}) == b'{"a":null,"b":null,"c":"stale"}'


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (RefusedError("no", "cure"), 409),
        (SettingsError("a.b", "wrong", "cure"), 422),
        (TryAgainError("busy", "cure"), 503),
    ],
)
async def test_a_refusal_of_the_gateway_is_a_problem_with_its_cure(
    tmp_path: Path, fault: Exception, status: int
) -> None:
    async with served(tmp_path, RecordedGateway(fault=fault)) as house:
        answer = await house.get("/api/appliances")
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["cure"] == "cure"


async def test_no_trace_leaves_the_process(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with served(tmp_path, RecordedGateway(fault=RuntimeError("secret inside"))) as house:
        answer = await house.get("/api/appliances")
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body
    number = answer.json["detail"].rsplit(" ", 1)[1]
    assert number in caplog.text
    assert "secret inside" in caplog.text


async def test_what_is_not_there_is_a_problem_too(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        missing = await house.get("/api/nothing")
        wrong = await house.own("POST", "/api/health", {})
    assert (missing.status, wrong.status) == (404, 405)
    assert missing.headers["content-type"] == wrong.headers["content-type"] == "application/problem+json"


def test_every_route_declares_its_role_and_only_reading_is_open_to_all() -> None:
    for route in Parts().routes(RecordedGateway()):
        assert route.role is (Role.VIEWER if route.methods == ("GET",) else Role.OWNER), route.path


def test_every_route_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "http.md").read_text(encoding="utf-8")
    for route in Parts().routes(RecordedGateway()):
        path = re.sub(r"\{(\w+):int\}", "{n}", route.path)
        assert path.split("{")[0].rstrip("/") in page, route.path


async def test_hook_efpi_routes_adds_the_routes_of_another_part_behind_their_roles(tmp_path: Path) -> None:
    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(f"{scope['path']} of another part")(scope, receive, send)

    class Part:
        @hookimpl
        def efpi_routes(self, gateway: GatewayApi) -> list[HttpRoute]:
            return [
                HttpRoute("/ui", page, Role.VIEWER, mount=True),
                HttpRoute("/secret", page, Role.OWNER),
                HttpRoute("/api/appliances", page, Role.VIEWER),
            ]

    async with served(tmp_path, parts=Parts([Part()])) as house:
        assert (await house.get("/ui/anything")).body == b"/ui/anything of another part"
        assert (await house.ask("POST", "/ui/anything", {})).status == 403
        assert (await house.own("POST", "/ui/anything", {})).status == 200
        assert (await house.get("/secret")).status == 403
        assert (await house.own("GET", "/secret")).status == 200
        assert isinstance((await house.get("/api/appliances")).json, list), "the API's own paths cannot be taken"
