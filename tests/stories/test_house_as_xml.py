"""The whole demo house leaves as EFI XML, comes back, and runs on as if it had never been away."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from efi.command.house import NAMES, read_house, write_house
from efi.control_space import ControlSpace
from efi.messages import AnyMessage, dump_message
from efi.xml.codec import Generation
from efi.xml.schema.official import FILES
from efpi_core.cli.main import run_command
from efpi_core.host.frames import Deliver
from efpi_core.host.idle import IdleSelector
from efpi_core.simulation.inline_hosts import InlineHosts
from efpi_core.simulation.loop import run_stepped
from efpi_core.simulation.simulation import Simulation
from efpi_core.site.demo import demo_text
from efpi_core.site.loader import load_site

APPLIANCES = 10

BEGIN = datetime(2025, 6, 1, tzinfo=UTC)
HALF_A_DAY = timedelta(hours=12)

SCHEMAS = {Generation.EFI_2: "efi-2.0.xsd", Generation.INTERIM: "efi-interim-2016.xsd"}

House = dict[str, Sequence[AnyMessage]]


def told(simulation: Simulation) -> House:
    """What every appliance told that still holds."""
    return {record.appliance_id: record.session.space.messages() for record in simulation.house.appliances}


def day_of_the_demo_house(at_noon: Callable[[Simulation], object]) -> tuple[list[Any], list[bytes], int]:
    """All that was observed and said on a day of June, with something done at noon; and how much was refused."""
    observed: list[tuple[str, Any, Any]] = []
    refused = 0
    said: list[bytes] = []

    def hear(sender: str, message: AnyMessage, at: datetime) -> None:
        said.append(dump_message(message))

    async def run(selector: IdleSelector) -> None:
        nonlocal refused
        hosts = InlineHosts()
        site = load_site(demo_text(), "demo").site
        simulation = Simulation(site, hosts, selector, start=BEGIN, seed=1)
        simulation.house.board.sinks.append(lambda slot: observed.append((slot.name, slot.value, slot.at)))
        simulation.house.exchange.sinks.append(hear)
        try:
            await simulation.begin()
            await simulation.advance(BEGIN + HALF_A_DAY)
            at_noon(simulation)
            await simulation.advance(BEGIN + 2 * HALF_A_DAY)
            refused = simulation.house.exchange.refusals
            await simulation.end()
        finally:
            await hosts.close()

    run_stepped(run)
    return observed, said, refused


def leave_and_come_back(simulation: Simulation, folder: Path) -> House:
    """Write the house as EFI 2.0, forget what it told, and know what the documents say instead."""
    house = told(simulation)
    assert len(house) == APPLIANCES
    write_house(folder, house)
    back = read_house(folder)
    assert back.keys() == house.keys()
    for record in simulation.house.appliances:
        space = ControlSpace()
        for message in back[record.appliance_id]:
            space.apply(message, simulation.clock.now())  # type: ignore[arg-type]  # it is an appliance's word
        record.session.space = space
    return dict(back)


@pytest.mark.slow
def test_the_demo_house_runs_on_unchanged_after_it_was_away_as_efi_2(tmp_path: Path) -> None:
    observed, said, refused = day_of_the_demo_house(lambda _: None)
    folder = tmp_path / "house"
    assert day_of_the_demo_house(lambda simulation: leave_and_come_back(simulation, folder)) == (
        observed,
        said,
        refused,
    )
    assert sum(b'"storage_allocation"' in message for message in said) > 5


@pytest.mark.slow
def test_an_app_steers_by_what_came_back(tmp_path: Path) -> None:
    def tell_the_app(simulation: Simulation) -> None:
        back = leave_and_come_back(simulation, tmp_path / "house")
        for record in simulation.house.appliances:
            for message in back[record.appliance_id] if record.app is not None else ():
                simulation.barrier.send(str(record.app), Deliver(record.appliance_id, message))

    _, said, refused = day_of_the_demo_house(lambda _: None)
    _, said_after, refused_after = day_of_the_demo_house(tell_the_app)
    assert refused_after == refused
    asked, asked_after = (sum(b"_allocation" in each for each in every) for every in (said, said_after))
    assert abs(asked - asked_after) < asked / 10


@pytest.mark.slow
@pytest.mark.parametrize("generation", Generation)
def test_every_document_of_the_demo_house_is_valid_and_readable(generation: Generation, tmp_path: Path) -> None:
    folder = tmp_path / "house"

    def leave(simulation: Simulation) -> None:
        assert write_house(folder, told(simulation), generation)
        with pytest.raises(OSError, match="not empty"):
            write_house(folder, {}, generation)

    day_of_the_demo_house(leave)
    schema = etree.XMLSchema(etree.parse(FILES / SCHEMAS[generation]))
    documents = sorted(folder.rglob("*.xml"))
    assert len({document.parent for document in documents}) == APPLIANCES
    for document in documents:
        schema.assertValid(etree.parse(document))
    assert (folder / NAMES).read_text()
    assert run_command(["efi", "convert", "--to", "json", "--names", str(folder / NAMES), str(folder)]) == 0
