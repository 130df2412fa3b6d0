"""Under which name an endpoint is reached and announced, and what its certificate is for."""

import re

import pytest

from efpi_core.s2.connect.discovery import Neighbourhood
from efpi_core.s2.connect.place import Place, own_host_name
from efpi_core.s2.connect.settings import ConnectConfig
from efpi_core.s2.connect.wire import Role
from tests.efpi_core.s2.connect.connect_world import Box, boxes


@pytest.mark.parametrize(
    ("host", "given", "name", "names", "announced_on", "looks_on"),
    [
        ("127.0.0.1", "", "127.0.0.1", ("127.0.0.1",), ("127.0.0.1",), ()),
        ("127.0.0.1", "localhost", "localhost", ("localhost", "127.0.0.1"), ("127.0.0.1",), ()),
        ("192.168.1.7", "", "192.168.1.7", ("192.168.1.7",), ("192.168.1.7",), ("192.168.1.7",)),
        ("0.0.0.0", "hub.local.", "hub.local", ("hub.local",), (), ()),
        ("0.0.0.0", "", own_host_name("s2"), (own_host_name("s2"),), (), ()),
    ],
)
def test_a_place_has_its_names(
    host: str, given: str, name: str, names: tuple[str, ...], announced_on: tuple[str, ...], looks_on: tuple[str, ...]
) -> None:
    place = Place.of("Hub", host, 1, given, "s2")
    assert (place.host_name, place.names) == (name, names)
    assert (place.announced_on, place.looks_on) == (announced_on, looks_on)
    assert place.announced_as.endswith(".local")


@pytest.mark.parametrize("instance", ["s2", "s2_bridge", "x" * 64, "A-b_c-"])
def test_the_name_of_an_instance_is_a_host_name_and_its_own(instance: str) -> None:
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.local", own_host_name(instance))
    assert own_host_name(instance) != own_host_name("other")


def test_addresses_of_the_machine_are_told_where_it_listens_at_all() -> None:
    assert Place.of("Hub", "127.0.0.1", 1, "", "s2").addresses() == ("127.0.0.1",)
    assert "127.0.0.1" not in Place.of("Hub", "0.0.0.0", 1, "", "s2").addresses()


@pytest.mark.parametrize(
    "wrong",
    [{"host": ""}, {"host": "a b"}, {"host_name": "x/y"}, {"registry": "http://x/"}, {"port": 70000}, {"name": ""}],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ConnectConfig.model_validate(wrong)


async def test_an_endpoint_that_announces_itself_is_found_with_its_address() -> None:
    async with boxes(Box(Role.CEM, name="Announced hub")) as (hub,):
        await hub.service.announce(Role.CEM)
        looker = Neighbourhood(("127.0.0.1",))
        try:
            found = ()
            for _ in range(20):
                found = tuple(
                    each for each in await looker.browse(2.0, Role.CEM) if each.announcement.name == "Announced hub"
                )
                if found:
                    break
            assert [each.announcement.pairing_url for each in found] == [hub.service.pairing_url]
        finally:
            await looker.close()
