"""Who may speak to the gateway, under which name, and what every answer says to a browser."""

import asyncio
import contextlib
from pathlib import Path
from random import Random

import pytest

from efpi_core.errors import SettingsError, TryAgainError
from efpi_core.http.listener import tcp_listener, unix_listener
from efpi_core.http.surface import Surface
from efpi_core.http.unix_socket import SOCKET_FILE
from tests.support.http_world import NOON, RecordedGateway, exchange, served


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080"])
async def test_a_name_of_this_machine_is_served(tmp_path: Path, host: str) -> None:
    async with served(tmp_path) as house:
        assert (await house.get("/api/health", Host=host)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8080",
        "127.0.0.1@evil.example",
        "x@127.0.0.1",
        "",
        "[::1",
        "a:b:c",
    ],
)
async def test_a_stranger_s_name_that_points_here_is_not_served(tmp_path: Path, host: str) -> None:
    async with served(tmp_path) as house:
        answer = await house.get("/api/health", Host=host)
    assert answer.status == 421
    assert b"revision" not in answer.body
    assert answer.json["cure"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1", 200),
        ("http://evil.example", 403),
        ("https://127.0.0.1", 403),
        ("http://127.0.0.1:9", 403),
        ("null", 403),
    ],
)
async def test_a_page_from_elsewhere_may_not_ask(tmp_path: Path, origin: str, status: int) -> None:
    async with served(tmp_path) as house:
        assert (await house.get("/api/appliances", Origin=origin)).status == status


async def test_a_page_from_elsewhere_may_link_here_but_not_embed(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        embedded = await house.get("/api/health", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")
        linked = await house.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
    assert (embedded.status, linked.status) == (403, 200)


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/nothing", "/static/page.js", "/metrics"])
async def test_every_answer_is_closed_to_other_pages_and_to_inline_scripts(tmp_path: Path, path: str) -> None:
    async with served(tmp_path) as house:
        headers = (await house.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["date"] == "Sun, 01 Jun 2025 12:00:00 GMT"
    assert "server" not in headers


async def test_the_api_is_never_cached(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        assert (await house.get("/api/appliances")).headers["cache-control"] == "no-store"


async def test_the_unix_socket_asks_for_no_name(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        assert (await house.own("GET", "/api/health", Host="whatever")).status == 200


async def test_a_request_with_an_endless_head_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"x" * 20_000)
        answer = await asyncio.wait_for(reader.read(-1), 60)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", ""])
async def test_another_address_than_loopback_is_refused_with_the_way_round(host: str) -> None:
    with pytest.raises(SettingsError) as refused:
        tcp_listener(Surface(RecordedGateway().health), host, 0, lambda: NOON)
    assert "ssh -L" in refused.value.cure


async def test_a_port_in_use_is_named_with_another(tmp_path: Path) -> None:
    async with served(tmp_path) as house:
        with pytest.raises(TryAgainError) as refused:
            tcp_listener(house.surface, "127.0.0.1", house.port, lambda: NOON)
    assert f"port {house.port} is in use" in refused.value.problem
    assert f"--port {house.port + 1}" in refused.value.cure


async def test_the_socket_is_reached_however_deep_the_home_lies(tmp_path: Path) -> None:
    home = tmp_path.joinpath(*["a" * 40] * 5)
    home.mkdir(parents=True)
    (home / SOCKET_FILE).touch()  # left behind by a gateway that was killed
    surface = Surface(RecordedGateway().health)
    listener = unix_listener(surface, home, lambda: NOON)
    await listener.start()
    try:
        assert (home / SOCKET_FILE).is_socket()
    finally:
        await listener.stop()


async def test_a_home_without_a_place_for_the_socket_is_named(tmp_path: Path) -> None:
    with pytest.raises(TryAgainError, match="cannot be made"):
        unix_listener(Surface(RecordedGateway().health), tmp_path / "nowhere", lambda: NOON)


async def test_while_the_gateway_starts_its_health_is_told_and_the_rest_asks_for_patience(tmp_path: Path) -> None:
    surface = Surface(RecordedGateway(status="starting").health)
    listener = tcp_listener(surface, "127.0.0.1", 0, lambda: NOON)
    await listener.start()

    async def ask(path: str) -> tuple[int, object]:
        opened = await asyncio.open_connection("127.0.0.1", listener.port)
        answer = await exchange(opened, "GET", path, None, {})
        return answer.status, answer.headers.get("retry-after")

    try:
        assert await ask("/api/health") == (200, None)
        assert await ask("/") == (200, None)
        assert await ask("/api/appliances") == (503, "1")
    finally:
        await listener.stop()


async def test_garbage_on_the_line_harms_nobody(tmp_path: Path) -> None:
    chance = Random(7)  # noqa: S311  # noise for a test
    async with served(tmp_path) as house:
        for _ in range(60):
            reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
            kind = chance.randrange(3)
            noise = chance.randbytes(chance.randrange(1, 3000))
            writer.write((b"", b"GET ", b"GET / HTTP/1.1\r\nHost: ")[kind] + noise + b"\r\n\r\n")
            writer.write_eof()
            with contextlib.suppress(ConnectionError):
                answer = await asyncio.wait_for(reader.read(), 60)
                assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
            writer.close()
        assert (await house.get("/api/health")).status == 200
