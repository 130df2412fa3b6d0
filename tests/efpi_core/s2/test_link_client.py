"""The client keeps its link open, knows whom it wants to meet, and names what stands in its way."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from link_world import Served, a_context, served, until

from efpi_core.errors import SettingsError
from efpi_core.s2.backoff import Backoff
from efpi_core.s2.client import LinkClient
from efpi_core.s2.ending import EndedBy, Ending
from efpi_core.s2.gate import Admitted, Knock, TurnedAway
from efpi_core.s2.link import Link
from efpi_core.s2.tls import client_tls, server_tls
from efpi_core.s2.trouble import Trouble
from tests.support.certificates import a_certificate

TOKEN = "s3cret-of-the-charger"  # noqa: S105  # of a test


def a_chance() -> Random:
    return Random(7)  # noqa: S311  # pauses, no secrets


class Dialler:
    """A client, its links and its troubles."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.context, self.lines = a_context()
        self.links: list[Link] = []
        self.endings: list[Ending] = []
        self.troubles: list[Trouble] = []
        self.received: list[bytes] = []
        self.client = LinkClient(
            self.context, url, name="charger", serve_link=self._serve, on_trouble=self.troubles.append,
            backoff=Backoff(a_chance(), first_s=0.01, longest_s=0.05), **settings,
        )  # fmt: skip

    async def _serve(self, link: Link) -> None:
        self.links.append(link)
        self.endings.append(await link.run(self.received.append))

    async def trouble(self) -> Trouble:
        await until(lambda: self.troubles)
        return self.troubles[-1]


def longer(found: list[Any], number: int) -> bool:
    return len(found) > number


@asynccontextmanager
async def dialling(url: str, **settings: Any) -> AsyncIterator[Dialler]:
    dialler = Dialler(url, **settings)
    task = asyncio.create_task(dialler.client.run())
    try:
        yield dialler
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled(), "it ends by nothing else"


def with_token(knock: Knock) -> Admitted | TurnedAway:
    return Admitted("") if knock.token == TOKEN else TurnedAway(HTTPStatus.UNAUTHORIZED, "no")


async def test_a_client_shows_its_token_and_comes_back_when_the_link_ends() -> None:
    async with served() as world:
        world.admit = with_token
        async with dialling(world.url(), token=TOKEN) as dialler:
            for number in range(3):
                await until(partial(longer, world.links, number))
                world.links[number].send(b"hello")
                await until(partial(longer, dialler.received, number))
                world.links[number].end(Ending(EndedBy.STOPPED, "for now"))
                await until(partial(longer, dialler.endings, number))
            assert {ending.by for ending in dialler.endings} == {EndedBy.LEFT} and not dialler.troubles


@pytest.mark.parametrize(
    ("status", "detail", "person"), [(401, "refused_token", True), (403, "refused_token", True),
                                     (404, "wrong_path", True), (503, "not_reachable", False)],
)  # fmt: skip
async def test_what_the_server_answers_is_named(status: int, detail: str, person: bool) -> None:
    async with served() as world:
        world.admit = lambda knock: TurnedAway(HTTPStatus(status), "no")
        async with dialling(world.url(), token="wrong-token") as dialler:
            trouble = await dialler.trouble()
            assert (trouble.detail, trouble.needs_person) == (detail, person) and trouble.cure
            await until(lambda: len(dialler.troubles) > 2)
            assert "wrong-token" not in str(dialler.troubles)


async def test_a_port_where_nobody_listens_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        async with dialling(f"ws://127.0.0.1:{free.getsockname()[1]}/") as dialler:
            assert (await dialler.trouble()).detail == "connection_refused"


async def test_a_host_that_nobody_knows_is_named() -> None:
    async with dialling("ws://no-such-host.invalid/") as dialler:
        assert (await dialler.trouble()).detail in {"unknown_host", "no_answer"}


async def test_something_else_that_listens_is_named() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, dialling(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/") as dialler:
        assert (await dialler.trouble()).detail == "no_websocket"


@asynccontextmanager
async def tls_server(folder: Path) -> AsyncIterator[Served]:
    certificate = a_certificate(folder)
    async with served(tls=server_tls(certificate.certificate, certificate.key)) as world:
        yield world


async def test_a_server_is_known_by_its_certificate(tmp_path: Path) -> None:
    async with tls_server(tmp_path) as world:
        mine = client_tls(a_certificate(tmp_path).certificate, None)
        async with dialling(world.url(scheme="wss"), tls=mine):
            await until(lambda: world.links)


async def test_a_server_is_known_by_its_fingerprint(tmp_path: Path) -> None:
    fingerprint = a_certificate(tmp_path).fingerprint
    async with (
        tls_server(tmp_path) as world,
        dialling(world.url(scheme="wss"), tls=client_tls(None, fingerprint), fingerprint=fingerprint),
    ):
        await until(lambda: world.links)


@pytest.mark.parametrize("known_by", ["authority", "fingerprint", "nothing"])
async def test_a_server_with_another_certificate_never_sees_the_token(tmp_path: Path, known_by: str) -> None:
    other = a_certificate(tmp_path, "other")
    fingerprint = other.fingerprint if known_by == "fingerprint" else None
    tls = client_tls(other.certificate if known_by == "authority" else None, fingerprint)
    async with (
        tls_server(tmp_path) as world,
        dialling(world.url(scheme="wss"), tls=tls, fingerprint=fingerprint, token=TOKEN) as dialler,
    ):
        trouble = await dialler.trouble()
        assert trouble.detail == "wrong_certificate" and trouble.needs_person and trouble.cure
        assert world.knocks == []


async def test_a_server_without_tls_is_named(tmp_path: Path) -> None:
    async with served() as world, dialling(world.url(scheme="wss"), tls=client_tls(None, None)) as dialler:
        trouble = await dialler.trouble()
        assert trouble.detail in {"no_tls", "connection_lost"} and "ws://" in trouble.cure


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("hello")
    for path in (tmp_path / "text.pem", tmp_path / "missing.pem"):
        with pytest.raises(SettingsError) as wrong:
            client_tls(path, None)
        assert wrong.value.cure


def test_pauses_grow_to_a_bound_and_no_two_are_alike() -> None:
    backoff = Backoff(a_chance())
    pauses = [backoff.next_s() for _ in range(40)]
    assert all(0.5 * min(2**attempt, 60) <= pause <= min(2**attempt, 60) for attempt, pause in enumerate(pauses))
    assert all(one != other for one, other in pairwise(pauses))
    assert backoff.next_s(held_s=5.0) >= 30 and backoff.next_s(held_s=31.0) <= 1.0
    assert [Backoff(a_chance()).next_s() for _ in range(2)] == [pauses[0], pauses[0]], "the same chance, the same pause"
