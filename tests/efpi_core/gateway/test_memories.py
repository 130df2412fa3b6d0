"""Whose a memory is: a later instance of a name does not meet another's, a rollback finds its own, and it ends."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from efpi_core.clock import SteppedClock
from efpi_core.errors import RefusedError
from efpi_core.gateway.deadlines import Deadlines
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.memories import KEPT, Memories
from efpi_core.site.document import Site
from efpi_core.site.expand import all_instances
from efpi_core.site.loader import load_site
from efpi_core.state.state import State

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def site(*lines: str) -> Site:
    """A site with these appliances."""
    entries = "".join(f"  {line}\n" for line in lines)
    return load_site(f"efpi: 1\nappliances:\n{entries}" if lines else "efpi: 1\n", "test").site


BATTERY = site("battery: {driver: sunspec}")
OTHER = site("battery: {driver: other}")
NONE = site()
DISABLED = site("battery: {driver: sunspec, enabled: false}")


class Place:
    """Lives of a gateway, as far as memories go."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = SteppedClock(BEGIN)
        self.state = State.open(path, self.clock)
        self.memories = self._begun()

    def _begun(self) -> Memories:
        self.events = EventLog(self.clock.now, self.state)
        deadlines = Deadlines(self.clock, self.state.set_deadline)
        deadlines.restore(self.state.deadlines())
        return Memories(self.state, self.clock, deadlines, self.events)

    def restart(self) -> None:
        self.state.close()
        self.state = State.open(self.path, self.clock)
        self.memories = self._begun()

    def run(self, document: Site) -> dict[str, object]:
        """What each instance of a site finds when it begins."""
        self.memories.settle(document)
        return {spec.instance: self.memories.begin(spec) for spec, enabled in all_instances(document) if enabled}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.run(BATTERY)
    place.memories.put("battery", "mode", "charge")
    return place


def test_another_driver_of_the_same_name_begins_with_nothing(place: Place) -> None:
    assert place.run(OTHER) == {"battery": {}}
    place.memories.put("battery", "mode", "other's")
    assert place.run(BATTERY) == {"battery": {"mode": "charge"}}
    assert place.run(OTHER) == {"battery": {"mode": "other's"}}


@pytest.mark.parametrize("between", [NONE, OTHER, DISABLED])
def test_a_rollback_finds_its_memory_again(place: Place, between: Site) -> None:
    place.run(between)
    place.clock.advance(BEGIN + 20 * DAY)
    place.restart()
    assert place.run(BATTERY) == {"battery": {"mode": "charge"}}
    place.clock.advance(BEGIN + 45 * DAY)
    assert place.run(BATTERY) == {"battery": {"mode": "charge"}}, "its time began anew"


def test_what_was_not_in_the_site_for_thirty_days_is_forgotten(place: Place) -> None:
    place.run(NONE)
    place.clock.advance(BEGIN + KEPT)
    assert place.run(BATTERY) == {"battery": {}}
    assert [event.kind for event in place.state.events()] == ["memory_forgotten"]
    place.restart()
    assert place.run(BATTERY) == {"battery": {}}


def test_what_is_disabled_is_kept_for_as_long_as_it_is_in_the_site(place: Place) -> None:
    place.run(DISABLED)
    place.clock.advance(BEGIN + 400 * DAY)
    place.run(DISABLED)
    assert place.run(BATTERY) == {"battery": {"mode": "charge"}}


def test_it_is_forgotten_by_hand_at_once(place: Place) -> None:
    place.run(NONE)
    with pytest.raises(RefusedError, match="nothing is kept of 'heater'") as refused:
        place.memories.forget("heater", "anna")
    assert "battery" in refused.value.cure
    place.memories.forget("battery", "anna")
    assert place.run(BATTERY) == {"battery": {}}


def test_what_an_older_gateway_kept_under_the_name_alone_is_found(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.state.put_instance_value("battery", "mode", "discharge")
    assert place.run(BATTERY) == {"battery": {"mode": "discharge"}}
    assert place.run(OTHER) == {"battery": {}}
    place.restart()
    assert place.run(BATTERY) == {"battery": {"mode": "discharge"}}


def test_the_late_words_of_a_life_are_kept_as_its_own(place: Place) -> None:
    """A driver that ends while another takes its place still says what it must keep."""
    place.memories.settle(OTHER)
    place.memories.put("battery", "mode", "safe")
    assert place.run(OTHER) == {"battery": {}}
    assert place.run(BATTERY) == {"battery": {"mode": "safe"}}
