"""A machine that is loaded anew whenever it is done: two short steps, each of which must be done once and in order."""

from datetime import datetime, timedelta

from efi.commodity import Commodity, CommodityQuantity
from efi.measurement import ForecastElement
from efi.time_shiftable import (
    Alternative,
    SequenceStatus,
    SequentialProfile,
    TimeShiftableRegistration,
    TimeShiftableUpdate,
)
from efi.uncertainty import UncertainPower
from efpi_core.clock import TimerHandle
from efpi_core.plugin.time_shiftable import TimeShiftableDriver
from lasting_plugin.device import Device, DeviceConfig

STEPS = ("wash", "spin")
STEP_S = 0.6


class WasherDriver(TimeShiftableDriver[DeviceConfig]):
    """Its device notes loads and starts; a step that was started runs on by itself."""

    offer_name = "lasting.washer"
    title = "Washer"
    poll_every = timedelta(seconds=0.2)
    _alarm: TimerHandle | None = None

    async def open(self) -> None:
        self.device = Device(self.config.file)

    async def poll(self) -> None:
        """Read what the device did: a load, its steps that were started, and whether they are over."""
        deeds = self.device.deeds()
        loads = [deed for deed in deeds if "load" in deed]
        load = int(loads[-1]["load"]) if loads else 0
        begun = {deed["step"]: deed["t"] for deed in deeds if "step" in deed and deed["of"] == load}
        now = self.context.elapsed()
        over = [step for step in STEPS if step in begun and begun[step] + STEP_S <= now]
        if not loads or len(over) == len(STEPS):
            self._end(tuple(over))
            load += 1
            by = (self.context.now() + timedelta(seconds=60)).isoformat()
            self.device.do(load=load, by=by)
            self._offer(load)
            return
        if self.work is None or self._recalled:
            self._offer(load)
        for step in begun:
            if self.states[step].status in (SequenceStatus.NOT_SCHEDULED, SequenceStatus.SCHEDULED):
                self._note(step, SequenceStatus.EXECUTING, "only")
        self._end(tuple(over))

    def _end(self, over: tuple[str, ...]) -> None:
        for step in over:
            if self.work is not None and self.states[step].status is not SequenceStatus.FINISHED:
                self.sequence_ended(step)

    def _offer(self, load: int) -> None:
        power = UncertainPower(quantity=CommodityQuantity.ELECTRIC_POWER, expected=500)
        element = ForecastElement(duration=timedelta(seconds=STEP_S), values=(power,))
        ways = (Alternative(alternative_id="only", label=f"load {load}", elements=(element,)),)
        loaded = next(deed for deed in self.device.deeds() if deed.get("load") == load)
        self.offer_work(
            TimeShiftableUpdate(
                **self.valid_now(),
                end_before=datetime.fromisoformat(loaded["by"]),
                sequences=tuple(SequentialProfile(sequence_id=step, alternatives=ways) for step in STEPS),
            )
        )

    def register(self) -> TimeShiftableRegistration:
        return TimeShiftableRegistration(**self.stamp(), name="washer", commodities=(Commodity.ELECTRICITY,))

    async def start_sequence(self, sequence_id: str, alternative_id: str) -> None:
        loads = [deed for deed in self.device.deeds() if "load" in deed]
        self.device.do(step=sequence_id, of=loads[-1]["load"])
