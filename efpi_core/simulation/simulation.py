"""A site in simulated time: the same house, plugins and rules as live, as fast as the work allows."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from efi.allocation import AllocationStatusUpdate
from efi.messages import AnyMessage
from efpi_core.clock import SteppedClock
from efpi_core.event_kinds import INSTANCE_ENDED
from efpi_core.gateway.connections import AppFacts, Choice
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.house import House
from efpi_core.host.frames import PROTOCOL, ClockMode, FromInstance, Settle, Settled, Start, ToInstance
from efpi_core.host.host import End, Ending, InstanceHost
from efpi_core.host.idle import IdleSelector
from efpi_core.plugin.prices import PriceClock
from efpi_core.simulation.barrier import Barrier
from efpi_core.simulation.ledger import Ledger, Summary
from efpi_core.simulation.recorder import Recorder
from efpi_core.site.document import Site
from efpi_core.site.expand import InstanceSpec, instances
from efpi_core.site.wiring import wanted_connection

RESOLUTION_S = 300.0
"""How often plugins tell values that merely go on, in s."""

STOP_DEADLINE_S = 5.0

NO_SECRETS: dict[str, str] = {}
"""A simulation knows none; one mapping for all its instances."""

MakeHost = Callable[[InstanceSpec, Barrier], tuple[InstanceHost, frozenset[str]]]
"""Makes the host of an instance, inline or hosted, and tells the categories that its offer controls (apps)."""

Progress = Callable[[datetime], None]


class NoJournal:
    """A simulation forgets: nothing survives it but its output."""

    def journal_allocation(self, allocation: AnyMessage, holder: str) -> None:
        """Nothing is kept."""

    def journal_status(self, status: AllocationStatusUpdate, at: datetime) -> None:
        """Nothing is kept."""


class Simulation:
    """One run of a site through simulated time."""

    def __init__(
        self,
        site: Site,
        make_host: MakeHost,
        selector: IdleSelector,
        *,
        start: datetime,
        seed: int = 1,
        resolution_s: float = RESOLUTION_S,
    ) -> None:
        self.site = site
        self.start = start
        self.seed = seed
        self._facts = site.facts()
        self._resolution_s = resolution_s
        self._make_host = make_host
        self.clock = SteppedClock(start)
        self.events = EventLog(self.clock.now)
        self.barrier = Barrier(self.clock, selector, self._on_frame)
        self.house = House(
            clock=self.clock,
            life="sim",
            journal=NoJournal(),
            store_value=lambda instance, key, value, durable: None,
            events=self.events,
            send=self._send,
        )
        self.house.hand_to(Settle, lambda instance, frame: self._send(instance, Settled(frame.number, kept=True)))
        self.barrier.on_ended = self._on_ended
        self._stopping = False
        self.failed: dict[str, str] = {}

    def _send(self, instance: str, frame: ToInstance) -> None:
        self.barrier.send(instance, frame)

    def _on_frame(self, instance: str, frame: FromInstance) -> None:
        self.house.on_frame(instance, frame)

    def _on_ended(self, instance: str, ending: Ending) -> None:
        if self._stopping and ending.how is End.STOPPED:
            return
        self.failed[instance] = f"{ending.how.value}: {ending.text}"
        self.events.tell(INSTANCE_ENDED, instance, ending.text, ending.cure)
        self.house.instance_ended(instance, ending.text)

    async def begin(self) -> None:
        """Start every instance and let the house settle."""
        specs = instances(self.site)
        hosts = [(spec, *self._make_host(spec, self.barrier)) for spec in specs]
        self.house.configure(
            (AppFacts(spec.instance, categories) for spec, _, categories in hosts if spec.kind == "app"),
            partial(site_choice, self.site),
            self.site.grid_limits(),
        )
        for spec, host, _ in hosts:
            await self.barrier.launch(host, self._start_frame(spec))
        await self.barrier.settle()

    def _start_frame(self, spec: InstanceSpec) -> Start:
        return Start(
            protocol=PROTOCOL,
            instance=spec.instance,
            offer=spec.offer,
            config=dict(spec.config),
            secrets=NO_SECRETS,
            storage={},
            clock=ClockMode.STEPPED,
            now=self.start,
            life="sim",
            seed=self.seed,
            site=self._facts,
            resolution_s=self._resolution_s,
        )

    async def advance(self, until: datetime) -> None:
        """Move to an instant; at the end all is quiet. For co-simulation by epochs, and for tests."""
        await self.barrier.advance(until)

    async def end(self) -> None:
        """Stop every instance."""
        self._stopping = True
        await self.barrier.stop(STOP_DEADLINE_S)

    async def run(
        self, duration: timedelta, folder: Path, *, messages: bool = False, progress: Progress | None = None
    ) -> Summary:
        """Run for a duration and write everything into a folder; `progress` hears each simulated six hours."""
        ledger = Ledger(self.house.appliances, self.house.limits, PriceClock.of(self._facts))
        statuses: Counter[str] = Counter()

        def count(sender: str, message: AnyMessage, at: datetime) -> None:
            if isinstance(message, AllocationStatusUpdate):
                statuses[message.status.value] += 1

        with Recorder(folder, messages=messages) as recorder:
            self.house.board.sinks += [recorder.observe, ledger.observe]
            self.house.exchange.sinks.append(count)
            self.events.sinks.append(ledger.event)
            if messages:
                self.house.exchange.sinks.append(recorder.message)
            await self.begin()
            end = self.start + duration
            await self._advance_in_parts(end, ledger, progress)
            summary = ledger.close(end, Summary(self.start.isoformat(), end.isoformat(), self.seed))
            await self.end()
        summary.currency = self.site.currency
        summary.allocations = dict(sorted(statuses.items()))
        summary.messages = self.house.exchange.passed
        summary.failed = dict(self.failed)
        (folder / "summary.json").write_text(json.dumps(asdict(summary), indent=2) + "\n", encoding="utf-8")
        return summary

    async def _advance_in_parts(self, end: datetime, ledger: Ledger, progress: Progress | None) -> None:
        step = timedelta(seconds=self._resolution_s)
        part = self.start
        told = self.start
        while part < end:
            part = min(part + step, end)
            await self.advance(part)
            ledger.check(part)
            if progress is not None and part - told >= timedelta(hours=6):
                told = part
                progress(part)


def site_choice(site: Site, appliance_id: str) -> Choice | None:
    """What the site says about who controls an appliance, as the house takes it."""
    wanted = wanted_connection(site, appliance_id)
    return None if wanted is None else Choice(wanted.app, by_hand=True)
