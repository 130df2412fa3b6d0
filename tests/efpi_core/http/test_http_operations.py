"""Operations over HTTP: listed for everybody, called by the owner, with progress where it is asked for."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.support.http_world import served

PAIR = "/api/instances/battery/operations/pair"
FIELDS = {"url": "https://a/", "code": "right"}


async def test_everybody_sees_what_can_be_asked_for(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        listed = await house.get("/api/instances/battery/operations")
        nobody = await house.get("/api/instances/shed/operations")
    assert [each["name"] for each in listed.json] == ["pair"]
    assert listed.json[0]["input_schema"]["properties"]["code"]["secret"] is True
    assert nobody.status == 409


async def test_nobody_calls_over_tcp(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.ask("POST", PAIR, FIELDS)
        assert house.gateway.asked == []
    assert answer.status == 403


async def test_the_owner_s_call_is_passed_on_and_answered(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.own("POST", f"{PAIR}?deadline_s=2.5", FIELDS, Efpi_By="anna")
        bare = await house.own("POST", PAIR)
        assert house.gateway.asked == [
            ("operate", "battery", "pair", FIELDS, "anna", 2.5),
            ("operate", "battery", "pair", {}, "owner", None),
        ]
    assert (answer.status, answer.json) == (200, {"node": "n1"})
    assert bare.status == 200


@pytest.mark.parametrize("body", [b"[]", b"3", b"{", b'{"a":1,"a":2}', b"\xff", b'{"a":' + b"[" * 5000])
async def test_what_are_no_fields_is_refused(tmp_path: Path, body: bytes) -> None:
    async with served(tmp_path) as house:
        answer = await house.own("POST", PAIR, body)
        assert house.gateway.asked == []
    assert answer.status == 422


@pytest.mark.parametrize("deadline", ["0", "-1", "nan", "inf", "soon", ""])
async def test_a_deadline_that_is_none_is_refused(tmp_path: Path, deadline: str) -> None:
    async with served(tmp_path) as house:
        answer = await house.own("POST", f"{PAIR}?deadline_s={deadline}", FIELDS)
        assert house.gateway.asked == []
    assert (answer.status, answer.json["path"]) == (422, "deadline_s")


async def test_progress_comes_as_events_and_the_output_last(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.own("POST", PAIR, FIELDS, Accept="text/event-stream")
    assert events(answer.body) == [("progress", {"text": "looking for it"}), ("output", {"node": "n1"})]


async def test_a_refusal_is_the_last_event_of_a_stream(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        answer = await house.own("POST", PAIR, FIELDS | {"code": "wrong"}, Accept="text/event-stream")
        plain = await house.own("POST", PAIR, FIELDS | {"code": "wrong"})
    ((kind, told),) = events(answer.body)
    assert kind == "problem"
    assert told == plain.json
    assert (told["status"], told["path"], told["cure"]) == (422, "code", "read it again")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_who_hangs_up_has_it_cancelled(tmp_path: Path, accept: str) -> None:
    async with served(tmp_path) as house:
        reader, writer = await asyncio.open_unix_connection(str(house.home / "gateway.sock"))
        body = json.dumps(FIELDS | {"code": "never"}).encode()
        head = f"POST {PAIR} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        async with asyncio.timeout(30):
            await house.gateway.operating.wait()
            writer.close()
            await house.gateway.given_up.wait()
        assert reader is not None


def events(stream: bytes) -> list[tuple[str, object]]:
    """The events of an answer, chunked or not."""
    lines = [line for line in stream.decode().splitlines() if line.startswith(("event: ", "data: "))]
    return [(kind[7:], json.loads(data[6:])) for kind, data in zip(lines[::2], lines[1::2], strict=True)]
