"""Overrides as they are kept on disk, so that none that was confirmed is lost and none that was refused returns."""

from efpi_core.deadline import Deadline
from efpi_core.errors import RefusedError
from efpi_core.gateway.appliances import ApplianceRecord
from efpi_core.gateway.house import House
from efpi_core.gateway.overrides import Override
from efpi_core.gateway.time_keeper import TimeKeeper
from efpi_core.state.state import State


class OverrideKeeper:
    """Keeps what the resident decides before it is carried out, and forgets it when it has ended."""

    def __init__(self, state: State, time: TimeKeeper, house: House) -> None:
        self._state = state
        self._time = time
        self._house = house
        house.desk.on_carried_out = lambda override: state.set_override(override.view(), override.allocation_id)
        house.desk.on_end = lambda override: time.forget_override(override.appliance_id)

    async def begin(self, override: Override, *, span: bool) -> ApplianceRecord:
        """Keep a wish, then carry it out. With `span` it lasts as long as said, whoever sets the clock meanwhile."""
        appliance = override.appliance_id
        self._house.desk.check(self._record(appliance), override)
        self._state.set_override(override.view())
        former = self._time.name_override(appliance, override.until, span=span)
        await self._state.committed()
        try:  # the disk may have taken a while, and the house another turn
            record = self._record(appliance)
            self._house.desk.begin(record, override)
        except RefusedError:
            self._put_back(appliance, former)
            raise
        return record

    async def end(self, appliance: str, why: str) -> ApplianceRecord:
        """Give an appliance back."""
        record = self._record(appliance)
        self._house.desk.end(record, why)
        await self._state.committed()
        return record

    def _put_back(self, appliance: str, deadline: Deadline | None) -> None:
        """Keep what is in force for an appliance, and nothing else."""
        present = self._house.overrides.get(appliance)
        if present is None:
            self._time.forget_override(appliance)
        else:
            self._state.set_override(present.view(), present.allocation_id)
            self._time.put_back(appliance, deadline)

    def _record(self, appliance: str) -> ApplianceRecord:
        record = self._house.appliances.get(appliance)
        if record is None:
            known = ", ".join(known.appliance_id for known in self._house.appliances) or "none is there yet"
            raise RefusedError(f"there is no appliance '{appliance}'", f"name one of: {known}")
        return record
