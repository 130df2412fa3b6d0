"""The driver: one P1 port, the meters behind it, and how the way to them is."""

import asyncio
from typing import ClassVar
from zoneinfo import ZoneInfo

from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.driver import Driver
from efpi_driver_p1.appliances import FlowMeter, GridMeter
from efpi_driver_p1.config import REPLAY, P1Config
from efpi_driver_p1.errors import Fault, PortError, PortFault, TelegramError
from efpi_driver_p1.line_quality import LineQuality
from efpi_driver_p1.line_settings import LineSettings, to_try
from efpi_driver_p1.reader import SILENCE_S, MeterReader
from efpi_driver_p1.reading import MbusMeter, read_electricity, read_mbus
from efpi_driver_p1.replay import Replay, pause_s
from efpi_driver_p1.telegram import Telegram
from efpi_driver_p1.telling import Fact, Teller

_RETRY_FILE_S = 30.0
_JITTER = 0.8
"""Telegrams that are a second apart arrive a little sooner or later."""
_NEEDS_A_PERSON = {PortFault.NO_RIGHTS, PortFault.NOT_SERIAL}
_FRUITLESS = {PortFault.SILENT, PortFault.NO_TELEGRAMS}
"""Faults of a port that can be opened: they last while other line settings are tried, until a telegram comes."""
_HOPELESS = {Fault.ENCRYPTED, Fault.NOT_P1}
"""Faults that no waiting heals."""


class P1Driver(Driver[P1Config]):
    """Smart meters with a P1 port: DSMR 2.2 to 5, Belgium, Luxembourg, Sweden, Switzerland, Hungary and kin.

    Brings the electricity connection, and the gas and heat connections that the meter reads over M-Bus. Water, cold
    and further electricity meters are told as observations.
    """

    offer_name = "p1"
    title = "Smart meter on a P1 port"
    categories: ClassVar[frozenset[str]] = frozenset(("inflexible",))
    memory_mb = 64

    async def start(self) -> None:
        """Begin to listen."""
        self._zone = ZoneInfo(self.config.time_zone)
        self._quality = LineQuality()
        self._grid = GridMeter(self.config.name)
        self._grid.attach(self.context)
        self._flows: dict[str, FlowMeter] = {}
        self._tellers: dict[str, Teller] = {}
        self._said: tuple[object, ...] = ()
        self._fruitless = False
        self._heard_at: float | None = None
        self._told_at: float | None = None
        self._listening: asyncio.Task[None] | None = None
        self._replay: Replay | None = None
        self._before: Telegram | None = None
        self._say(ConditionState.OFFLINE, "connecting", "the port is being opened")
        if self.config.port.startswith(REPLAY):
            self.context.call_later(0.0, self._begin_replay)
            return
        lines = to_try(self.config.baud, self.config.format)
        reader = MeterReader(self.config.port, lines, self._zone, self.context, self)
        self._listening = self.context.spawn(reader.run(), "reader")
        self.context.call_later(SILENCE_S, self._watch)

    async def stop(self) -> None:
        """Close the port."""
        if self._replay is not None:
            self._replay.close()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait((self._listening,))

    # --- what the reader tells

    def opened(self, line: LineSettings) -> None:
        """The port is open; nothing came yet."""
        if not self._grid.present and not self._fruitless:
            text = f"the port is open ({line}), waiting for the first telegram"
            cure = "nothing to do: meters send one each second or every ten seconds"
            self._say(ConditionState.OFFLINE, "waiting_for_telegram", text, cure)

    def received(self, found: Telegram | TelegramError) -> None:
        """A telegram, or something that is none."""
        if isinstance(found, TelegramError):
            self._on_fault(found)
        else:
            self._on_telegram(found)

    def trouble(self, error: PortError) -> None:
        """The way to the meter is not open; it is tried again."""
        self._fruitless = error.fault in _FRUITLESS
        self._lose(str(error.fault), error.problem, error.cure)
        needs_person = error.fault in _NEEDS_A_PERSON
        state = ConditionState.MISCONFIGURED if needs_person else ConditionState.OFFLINE
        self._say(state, str(error.fault), error.problem, error.cure)

    # --- telegrams

    def _on_telegram(self, telegram: Telegram) -> None:
        self._quality.good()
        self._fruitless = False
        self._heard_at = now = self.context.elapsed()
        often_enough_s = _JITTER * self.context.resolution_s
        if self._told_at is None or now - self._told_at >= often_enough_s or not self._grid.present:
            self._told_at = now
            self._grid.update(telegram, read_electricity(telegram))
            self._grid.tell_quality(self._quality.good_share)
            for meter in read_mbus(telegram):
                self._tell_meter(meter)
        self._judge_line()

    def _tell_meter(self, meter: MbusMeter) -> None:
        if FlowMeter.fits(meter):
            flow = self._flows.get(meter.key)
            if flow is None:
                flow = self._flows[meter.key] = FlowMeter(meter)
                flow.attach(self.context, meter.key)
            flow.update(meter)
        teller = self._tellers.get(meter.key)
        if teller is None:
            teller = self._tellers[meter.key] = Teller(self.context, self.context.appliance_id(meter.key))
        facts = [Fact("valve", meter.valve, "", "state", "Valve: 0 closed, 1 open, 2 ready to open")]
        if not FlowMeter.fits(meter):
            name = "volume" if meter.reading.unit == "m3" else "energy"
            title = f"{meter.kind} meter".replace("_", " ").capitalize()
            facts.append(Fact(name, meter.reading.value, meter.reading.unit or "", "counter", title))
        teller.tell(facts)

    def _on_fault(self, error: TelegramError) -> None:
        self.context.log.debug(str(error))
        self._quality.fault(error.fault)
        if error.fault in _HOPELESS:
            self._lose(str(error.fault), error.detail, error.cure)
            self._say(ConditionState.MISCONFIGURED, str(error.fault), error.detail, error.cure)
        elif self._grid.present:
            self._judge_line()

    def _judge_line(self) -> None:
        complaint = self._quality.complaint
        if complaint is None:
            self._say(ConditionState.OK)
        else:
            cure = "check cable, plug and the adapter's power supply; close other programs on the port"
            self._say(ConditionState.DEGRADED, "bad_telegrams", complaint, cure)

    # --- how it is

    def _watch(self) -> None:
        """Notice that only broken telegrams come: the port works, and yet nothing is known any more."""
        silent_s = self.context.elapsed() - (self._heard_at or 0.0)
        if self._grid.present and silent_s >= SILENCE_S:
            text = f"no good telegram for {silent_s:.0f} s"
            cure = self._quality.complaint or "check cable, plug and the adapter's power supply"
            self._lose("stale", text, cure)
            self._say(ConditionState.OFFLINE, "stale", text, cure)
        self.context.call_later(SILENCE_S / 2, self._watch)

    def _lose(self, detail: str, text: str, cure: str) -> None:
        for appliance in (self._grid, *self._flows.values()):
            if appliance.present:
                appliance.lost(text, cure, detail)

    def _say(self, state: ConditionState, detail: str = "", text: str = "", cure: str = "") -> None:
        """Tell the condition of the instance when it changed."""
        said = (state, detail, text if state is not ConditionState.DEGRADED else "")
        if said != self._said:
            self._said = said
            self.context.condition(state, detail, text, cure)

    # --- recorded telegrams

    async def _begin_replay(self) -> None:
        if self._replay is not None:
            self._replay.close()
        self._replay = Replay(self.config.port.removeprefix(REPLAY), self._zone)
        self._before = None
        await self._play(None)

    async def _play(self, due: Telegram | None) -> None:
        """Tell the telegram that is due, and arrange for the next."""
        if self._replay is None:
            return
        if due is not None:
            self.received(due)
        try:
            found = await self._replay.next()
            while isinstance(found, TelegramError):
                self.received(found)
                found = await self._replay.next()
        except PortError as error:
            self.trouble(error)
            self.context.call_later(_RETRY_FILE_S, self._begin_replay)
            return
        if found is None:
            self._end_replay()
            return
        pause = pause_s(self._before, found)
        self._before = found
        self.context.call_later(pause, lambda: self._play(found))

    def _end_replay(self) -> None:
        if self.config.repeat and self._before is not None:
            self.context.call_later(10.0, self._begin_replay)
            return
        text, cure = "the recorded telegrams are at their end", "set `repeat` to begin anew"
        if self._before is None:
            text, cure = (
                "there is no good telegram in the file",
                "look at it with `python -m efpi_driver_p1 decode FILE`",
            )
        self._lose("replay_ended", text, cure)
        self._say(ConditionState.OFFLINE, "replay_ended", text, cure)
