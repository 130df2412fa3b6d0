"""The registry's client against a server that answers as the OpenAPI document says."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from efpi_core.errors import EfpiError, PluginFailure, RefusedError, TryAgainError
from efpi_core.s2.connect.certificates import Identity, pinned_context
from efpi_core.s2.connect.registry import PAGE, Registry
from efpi_core.s2.connect.wire import Role
from tests.efpi_core.s2.connect.openapi_client import REGISTRY, check, check_answer, operation, resolved

IDENTITY = Identity.new(("localhost",), datetime.now(UTC))


def record(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(UUID(int=number)),
        "name": f"Maker {number}",
        "description": "Heat pumps in the cloud",
        **{f"icon{size}": f"https://example.com/{size}.png" for size in (32, 128, 512)},
        "pairingUrl": f"https://maker{number}.example.com/pairing/",
        "regions": ["NL", "BE"],
        "status": "public",
        "cem": False,
        "rm": True,
    } | changes


@contextmanager
def served(records: list[dict[str, Any]], asked: list[str], spoiled: bytes | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            parts, status = urlsplit(self.path), 200
            told: Any = None
            if parts.path == "/":
                told = ["v1"]
            elif parts.path == "/v1/endpoint":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                for parameter in operation(REGISTRY, "get", "/endpoint")["parameters"]:
                    value: Any = query.pop(parameter["name"], None)
                    if value is not None:
                        kind = parameter["schema"].get("type")
                        value = {"integer": int, "boolean": json.loads, "array": lambda v: v.split(",")}[kind](value)
                        check(value, resolved(parameter["schema"], REGISTRY))
                        query[f"={parameter['name']}"] = value
                assert all(name.startswith("=") for name in query), "there is no such parameter"
                start = query.get("=offset", 0)
                told = records[start : start + query.get("=limit", len(records))]
            else:
                told = next((each for each in records if self.path == f"/v1/endpoint/{each['id']}"), None)
                status = 404 if told is None else 200
            body = b"" if told is None else json.dumps(told).encode()
            if parts.path.startswith("/v1/endpoint") and spoiled is None:
                name = "/endpoint" if parts.path == "/v1/endpoint" else "/endpoint/{id}"
                check_answer(REGISTRY, "get", name, status, body)
            elif spoiled is not None and parts.path != "/":
                body = spoiled
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = IDENTITY.server_context().wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def registry(url: str) -> Registry:
    return Registry(url, pinned_context(IDENTITY.authority))


async def test_all_pages_are_read_and_the_filters_are_those_of_the_document() -> None:
    asked: list[str] = []
    records = [record(number) for number in range(PAGE + 3)]
    with served(records, asked) as url:
        found = await registry(url).endpoints(Role.RM, ("NL", "BE"))
    assert [str(each.id) for each in found] == [each["id"] for each in records]
    assert "rm=true" in asked[1]
    assert "region=NL,BE" in asked[1]
    assert "offset=20" in asked[2]


async def test_one_record_is_found_by_its_id_or_is_not_there() -> None:
    with served([record(7)], []) as url:
        found = await registry(url).endpoint(UUID(int=7))
        assert found is not None
        assert found.pairing_url == "https://maker7.example.com/pairing/"
        assert await registry(url).endpoint(uuid4()) is None


@pytest.mark.parametrize(
    "spoiled",
    [
        b"{",
        b"{}",
        b"null",
        b"[1]",
        json.dumps([record(1, pairingUrl="http://plain.example.com/")]).encode(),
        json.dumps([record(1, name="x" * 51)]).encode(),
        json.dumps([record(1, regions=["Holland"])]).encode(),
    ],
)
async def test_what_cannot_be_read_is_the_registrys_fault(spoiled: bytes) -> None:
    with (
        served([], [], spoiled) as url,
        pytest.raises(PluginFailure, match="what the registry answers cannot be read"),
    ):
        await registry(url).endpoints()


async def test_a_flood_of_bytes_is_cut_off() -> None:
    with served([], [], b"[" + b" " * 200_000) as url, pytest.raises(TryAgainError, match="more than 65536 bytes"):
        await registry(url).endpoints()


async def test_what_is_no_registry_is_named() -> None:
    with served([], []) as url:
        with pytest.raises(RefusedError, match="no registry"):
            await registry(f"{url}elsewhere/").endpoints()
        other = Identity.new(("localhost",), datetime.now(UTC))
        with pytest.raises(EfpiError, match="certificate"):
            await Registry(url, pinned_context(other.authority)).endpoints()
