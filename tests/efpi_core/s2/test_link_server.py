"""The server lets in whom it knows, says to the others why not, and does not run out of room."""

import asyncio
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest
from link_world import served, until
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from efpi_core.errors import SettingsError, TryAgainError
from efpi_core.s2.bearer import BearerTokens, token_of
from efpi_core.s2.gate import KNOCKS_AT_ONCE, Admitted, Knock, KnockCounter, TurnedAway
from efpi_core.s2.link_limits import LinkLimits
from efpi_core.s2.server import MOST_STRANGERS, LinkServer
from efpi_core.s2.tls import parse_fingerprint, server_tls
from tests.support.certificates import a_certificate, trusting

TOKENS = BearerTokens({"battery": "let-the-battery-in", "boiler": "let-the-boiler-in"})


def known(knock: Knock) -> Admitted | TurnedAway:
    if knock.path != "/s2":
        return TurnedAway(HTTPStatus.NOT_FOUND, "no such path")
    name = None if knock.token is None else TOKENS.holder(knock.token)
    return TurnedAway(HTTPStatus.UNAUTHORIZED, "no such token") if name is None else Admitted(name)


async def test_a_token_tells_who_comes() -> None:
    async with served() as world:
        world.admit = known
        async with world.dial(token="let-the-boiler-in"), world.dial("/s2?x=1", token="let-the-battery-in"):
            await until(lambda: len(world.names) == 2)
        assert world.names == ["boiler", "battery"] and world.links[0].peer == "boiler"
        assert world.knocks[0].address == "127.0.0.1"


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [("/s2", "a guess", 401), ("/s2", None, 401), ("/other", "let-the-boiler-in", 404)],
)
async def test_a_stranger_is_told_why_it_may_not_come_in(path: str, token: str | None, status: int) -> None:
    async with served() as world:
        world.admit = known
        with pytest.raises(InvalidStatus) as refused:
            await world.dial(path, token=token)
        response = refused.value.response
        assert response.status_code == status and "token" not in str(response.headers)
        assert ("WWW-Authenticate" in response.headers) == (status == 401)
        assert world.links == []


async def test_a_token_that_stands_there_twice_is_none() -> None:
    async with served() as world:
        world.admit = known
        headers = [("Authorization", "Bearer let-the-boiler-in")] * 2
        with pytest.raises(InvalidStatus):
            await connect(world.url(), additional_headers=headers, proxy=None)


def test_the_holder_of_a_token_is_found() -> None:
    assert TOKENS.holder("let-the-boiler-in") == "boiler" and len(TOKENS) == 2
    assert TOKENS.holder("let-the-boiler-in ") is None and TOKENS.holder("") is None
    assert TOKENS.holder("\udcff") is None
    assert "boiler-in" not in repr(TOKENS)
    assert token_of("Bearer abc") == token_of("bearer  abc ") == "abc"
    assert token_of(None) is token_of("Basic abc") is token_of("Bearer ") is None


async def test_no_more_links_than_there_is_room_for() -> None:
    async with served(most_links=2) as world, world.dial(), world.dial():
        with pytest.raises(InvalidStatus) as refused:
            await world.dial()
        assert refused.value.response.status_code == 503


async def test_strangers_that_say_nothing_do_not_fill_the_house() -> None:
    async with served(replace(LinkLimits(), open_within_s=0.3), most_links=1) as world:
        silent = [await asyncio.open_connection("127.0.0.1", world.server.port) for _ in range(MOST_STRANGERS + 20)]
        ends = await asyncio.gather(*(reader.read(100) for reader, _ in silent), return_exceptions=True)
        assert all(end == b"" or isinstance(end, ConnectionError) for end in ends), "none is kept"
        for _, writer in silent:
            writer.close()
        async with world.dial() as peer:
            await peer.send("hello")
            await until(lambda: world.received)


async def test_whoever_comes_back_at_once_again_and_again_is_told_to_wait() -> None:
    async with served() as world:
        world.admit = known
        for _ in range(KNOCKS_AT_ONCE):
            async with world.dial(token="let-the-boiler-in"):
                pass
        with pytest.raises(InvalidStatus) as refused:
            await world.dial(token="let-the-boiler-in")
        assert refused.value.response.status_code == 429
        async with world.dial(token="let-the-battery-in"):
            pass


def test_who_knocked_is_remembered_for_as_long_as_it_matters() -> None:
    counter = KnockCounter()
    assert not any(counter.too_often("a", 0.0) for _ in range(KNOCKS_AT_ONCE))
    assert counter.too_often("a", 0.0) and not counter.too_often("b", 0.0)
    assert counter.too_often("a", 4.0) and not counter.too_often("a", 9.0)
    assert not any(counter.too_often("many", 0.0, heads=20) for _ in range(20 * KNOCKS_AT_ONCE))
    assert counter.too_often("many", 0.0, heads=20)


async def test_a_closed_server_says_so_to_its_peers() -> None:
    async with served() as world, world.dial() as peer:
        await until(lambda: world.links)
        await world.server.close()
        with pytest.raises(ConnectionClosed) as closed:
            await peer.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1001


async def test_a_port_that_is_taken_is_named_with_its_cure() -> None:
    async with served() as world:
        second = LinkServer(
            world.context, host="127.0.0.1", port=world.server.port, admit=known,
            serve_link=world._serve, most_links=1,
        )  # fmt: skip
        with pytest.raises(TryAgainError) as failed:
            await second.open()
        assert failed.value.detail_code == "port_in_use" and failed.value.cure


async def test_an_address_of_another_machine_is_named_with_its_cure() -> None:
    async with served() as world:
        second = LinkServer(world.context, host="192.0.2.1", port=0, admit=known, serve_link=world._serve, most_links=1)
        with pytest.raises(TryAgainError) as failed:
            await second.open()
        assert failed.value.detail_code == "not_listening" and failed.value.cure


async def test_links_are_encrypted_with_the_servers_certificate(tmp_path: Path) -> None:
    certificate = a_certificate(tmp_path)
    async with served(tls=server_tls(certificate.certificate, certificate.key)) as world:
        world.admit = known
        async with world.dial(token="let-the-boiler-in", scheme="wss", ssl=trusting(certificate)) as peer:
            await peer.send("hello")
            await until(lambda: world.received)
        with pytest.raises((ConnectionError, InvalidMessage)):
            await world.dial(token="let-the-boiler-in")


def test_certificates_that_are_none_are_named(tmp_path: Path) -> None:
    certificate, other = a_certificate(tmp_path), a_certificate(tmp_path, "other")
    for files in (
        (tmp_path / "missing.pem", certificate.key),
        (certificate.certificate, tmp_path / "missing.key"),
        (certificate.certificate, other.key),
        (certificate.key, certificate.key),
    ):
        with pytest.raises(SettingsError) as wrong:
            server_tls(*files)
        assert wrong.value.cure and wrong.value.path == "certificate"


def test_a_fingerprint_is_read_as_people_write_it(tmp_path: Path) -> None:
    digest = a_certificate(tmp_path).fingerprint
    assert parse_fingerprint(digest.hex()) == parse_fingerprint(digest.hex(":").upper()) == digest
    assert parse_fingerprint(f"SHA256:{digest.hex()}") == digest
    for wrong in ("", "ab" * 31, "zz" * 32):
        with pytest.raises(ValueError, match="64 hexadecimal"):
            parse_fingerprint(wrong)
