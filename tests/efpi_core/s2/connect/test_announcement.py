"""What is announced, and found: the TXT record by itself, and real multicast DNS on loopback."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efpi_core.s2.connect.announcement import Announcement
from efpi_core.s2.connect.discovery import Found, Neighbourhood
from efpi_core.s2.connect.wire import Deployment, Role

URL = "https://hub.local:8443/pairing/"


def record(**entries: str) -> dict[bytes, bytes | None]:
    return {key.encode(): value.encode() for key, value in entries.items()}


@pytest.mark.parametrize("version", ["txtver", "txtvers", "TXTVER"])
def test_both_spellings_of_the_version_are_known(version: str) -> None:
    told = Announcement.of(record(**{version: "1", "deployment": "LAN", "pairingUrl": URL, "e_name": "Hub"}))
    assert told == Announcement(Deployment.LAN, "Hub", "", URL)


def test_what_is_written_is_read() -> None:
    told = Announcement(Deployment.LAN, "Hub ☀", "https://hub.local/logo.png", URL, URL)
    assert Announcement.of(record(**told.entries())) == told


@pytest.mark.parametrize(
    "changes",
    [
        {"txtver": "2"},
        {"txtver": ""},
        {"deployment": "MOON"},
        {"pairingUrl": "http://hub.local/"},
        {"pairingUrl": "https://a:b@hub.local/"},
        {"pairingUrl": "javascript:alert(1)"},
        {"pairingUrl": "https://hub.local/?x="},
        {"pairingUrl": "x" * 300},
        {"pairingUrl": "", "longpollingUrl": "", "deployment": "WAN"},
    ],
)
def test_what_leads_nowhere_is_not_listed(changes: dict[str, str]) -> None:
    assert Announcement.of(record(**({"txtver": "1", "deployment": "LAN", "pairingUrl": URL} | changes))) is None


def test_an_address_gets_its_slash_and_a_long_poll_is_for_the_lan() -> None:
    told = Announcement.of(
        record(txtver="1", deployment="WAN", pairingUrl="https://example.com/pairing", longpollingUrl=URL)
    )
    assert told == Announcement(Deployment.WAN, "", "", "https://example.com/pairing/", "")


@given(st.dictionaries(st.binary(max_size=20), st.none() | st.binary(max_size=300), max_size=80))
def test_whatever_is_announced_is_listed_or_not(txt: dict[bytes, bytes | None]) -> None:
    told = Announcement.of(txt)
    assert told is None or told.pairing_url or told.longpolling_url


@given(st.text(max_size=400), st.text(max_size=400))
def test_a_record_holds_what_a_record_can(name: str, logo: str) -> None:
    try:
        entries = Announcement(Deployment.LAN, name, logo, URL).entries()
    except UnicodeEncodeError:
        return
    assert all(len(f"{key}={value}".encode()) <= 255 for key, value in entries.items())


async def until_found(looker: Neighbourhood, role: Role | None, *names: str) -> dict[str, Found]:
    """Browse until all are there; a busy machine is no fault of theirs."""
    async with asyncio.timeout(60):
        while True:
            found = {each.instance: each for each in await looker.browse(2.0, role)}
            if set(names) <= set(found):
                return found


async def test_who_announces_is_found_by_name_role_and_address() -> None:
    hub, pump, looker = (Neighbourhood(("127.0.0.1",)) for _ in range(3))
    try:
        told = Announcement(Deployment.LAN, "Hub", "", URL, URL)
        await hub.announce("efpi-test-hub.local", 8443, ("127.0.0.1",), told, Role.CEM)
        pump_told = Announcement(Deployment.LAN, "Pump", "", "https://efpi-test-pump.local:1/pairing/")
        await pump.announce("efpi-test-pump.local", 1, ("127.0.0.1",), pump_told, Role.RM)
        found = await until_found(looker, None, "efpi-test-hub", "efpi-test-pump")
        assert found["efpi-test-hub"].announcement == told
        assert found["efpi-test-hub"].roles == {Role.CEM}
        assert found["efpi-test-hub"].addresses == ("127.0.0.1",)
        assert "efpi-test-hub" not in await until_found(looker, Role.RM, "efpi-test-pump")
        assert await looker.resolve("efpi-test-hub.local") == "127.0.0.1"
        assert await looker.resolve("example.com") == "example.com"
        await hub.announce("efpi-test-hub.local", 8443, ("127.0.0.1",), pump_told, Role.CEM)
    finally:
        for each in (hub, pump, looker):
            await each.close()
