"""Washing machine and dishwasher: programs that the residents load and that may wait until their deadline."""

from abc import abstractmethod
from collections.abc import Callable
from datetime import timedelta
from math import inf, isinf
from typing import ClassVar

from efi.commodity import CommodityQuantity, electric_quantity
from efi.measurement import ForecastElement
from efi.registration import DeviceClass, EnergyRole
from efi.time_shiftable import (
    Alternative,
    SequenceStatus,
    SequentialProfile,
    TimeShiftableRegistration,
    TimeShiftableUpdate,
)
from efi.uncertainty import UncertainPower
from efpi_core.errors import RefusedError
from efpi_core.plugin.config import setting
from efpi_core.plugin.plugin import ConfigT
from efpi_core.plugin.time_shiftable import TimeShiftableDriver
from efpi_driver_simulated.abilities.electricity import ELECTRICITY, roles
from efpi_driver_simulated.habits.chores import Chore, Chores
from efpi_driver_simulated.life import MAKER, Lifelike, moment_of
from efpi_driver_simulated.physics.piecewise import Refused
from efpi_driver_simulated.physics.program import Machine, Program, Sequence
from efpi_driver_simulated.programs import dishwashing, washing
from efpi_driver_simulated.settings import LifeSettings, days_at

ONLY_WAY = "normal"


class MachineSettings(LifeSettings):
    """The settings of a simulated machine with programs."""

    loads_per_week: float = setting(3.5, title="Loads", description="How often it is filled in a week.", ge=0, le=7)
    loaded_at: float = setting(8.0, title="Filled at", unit="h", description="Usually, on the wall clock.", ge=0, le=23)
    done_by: float = setting(
        17.0,
        title="Done by",
        unit="h",
        description="The deadline; beyond 24 it is tomorrow.",
        ge=1,
        le=47,
    )
    standby_w: float = setting(0.5, title="Standby", unit="W", description="Drawn at rest.", ge=0, le=100)


class DishwasherSettings(MachineSettings):
    """The settings of a simulated dishwasher."""

    loads_per_week: float = setting(5.5, title="Loads", description="How often it is filled in a week.", ge=0, le=7)
    loaded_at: float = setting(
        19.5, title="Filled at", unit="h", description="Usually, on the wall clock.", ge=0, le=23
    )
    done_by: float = setting(
        31.0,
        title="Done by",
        unit="h",
        description="The deadline; beyond 24 it is tomorrow.",
        ge=1,
        le=47,
    )


class MachineDriver(Lifelike[ConfigT], TimeShiftableDriver[ConfigT]):
    """A machine with programs."""

    device_class: ClassVar[DeviceClass]
    programs: ClassVar[tuple[Program, ...]]
    model: Machine

    @abstractmethod
    def machine_settings(self) -> MachineSettings:
        """Its settings."""

    _place: tuple[Program | None, str, int] | None = None
    """Where the machine was when it was last kept."""

    def build(self, t: float) -> Machine:
        """The machine: as it has gone on since a former life, or else empty.

        What it was doing when the clock jumped, or what this efpi cannot read, is broken off.
        """
        settings = self.machine_settings()
        kept = self.context.storage.get("machine")
        first = self._place is None
        recalled = None
        if first and isinstance(kept, dict):
            recalled = Machine.recalled(kept, self.programs, t, settings.standby_w)
        if recalled is None and not (first and kept is None):
            self._break_off()
        share = settings.loads_per_week / 7.0
        self._chores = Chores(
            days_at(self.context.site), self.seed,
            programs=self.programs, share=share, hour=settings.loaded_at, done_hour=settings.done_by,
        )  # fmt: skip
        self._next_chore: Chore | None = self._chores.next_after(t)
        machine = recalled or Machine(t, settings.standby_w)
        if machine.program is not None and self.work is None:
            self.offer_work(self._work(machine.program, machine.deadline))
        return machine

    def _break_off(self) -> None:
        for sequence_id, state in tuple(self.states.items()) if self.work is not None else ():
            if state.status is not SequenceStatus.FINISHED:
                self.sequence_ended(sequence_id, SequenceStatus.ABORTED)

    def keep(self) -> None:
        """Store what the machine is doing."""
        loaded = self.model.program is not None
        self.context.storage.put("machine", dict(self.model.snapshot()) if loaded else None)

    def moved(self) -> None:
        """Keep another stage or step for the next life before it is told."""
        place = (self.model.program, self.model.stage, self.model.position)
        if place != self._place:
            self._place = place
            self.keep()
        super().moved()

    @property
    def quantity(self) -> CommodityQuantity:
        """The quantity that is measured."""
        return electric_quantity(self.on_phases)

    def register(self) -> TimeShiftableRegistration:
        """Who the machine is."""
        return TimeShiftableRegistration(
            **self.stamp(),
            name=self.title,
            device_class=self.device_class,
            manufacturer=MAKER,
            model="simulated",
            commodities=ELECTRICITY,
            roles=roles(EnergyRole.CONSUMER),
            phases=self.on_phases,
            measures=(self.quantity,),
        )

    def act(self, t: float) -> float:
        """The resident fills the machine at the appointed time; one that is still full is left alone."""
        chore = self._next_chore
        if chore is None:
            return inf
        if t >= chore.at:
            if self.model.program is None:
                self.model.load(chore.program, chore.deadline)
                self.keep()
                self.offer_work(self._work(chore.program, chore.deadline))
            self._next_chore = self._chores.next_after(t)
        return inf if self._next_chore is None else self._next_chore.at

    def _work(self, program: Program, deadline: float) -> TimeShiftableUpdate:
        return TimeShiftableUpdate(
            **self.valid_now(),
            end_before=moment_of(deadline),
            sequences=tuple(self._sequence(place, each) for place, each in enumerate(program.sequences)),
        )

    def _sequence(self, place: int, sequence: Sequence) -> SequentialProfile:
        pause = timedelta(seconds=sequence.pause_s)
        free = place == 0 or isinf(sequence.gap_s)
        return SequentialProfile(
            sequence_id=_sequence_id(place),
            maximum_interval_before=None if free else timedelta(seconds=sequence.gap_s),
            alternatives=(
                Alternative(
                    alternative_id=ONLY_WAY,
                    label=sequence.name,
                    elements=tuple(
                        ForecastElement(
                            duration=timedelta(seconds=step.seconds),
                            values=(UncertainPower(quantity=self.quantity, expected=step.power_w),),
                        )
                        for step in sequence.steps
                    ),
                    interruptible=sequence.pause_s > 0.0,
                    maximum_interruption=pause if pause else None,
                ),
            ),
        )

    def follow(self) -> None:
        """Tell the steps that began or ended by themselves."""
        if self.work is None:
            return
        finished = len(self.work.sequences) if self.model.program is None else self.model.position
        for sequence_id in [_sequence_id(place) for place in range(finished)]:
            if self.states[sequence_id].status is not SequenceStatus.FINISHED:
                self.sequence_ended(sequence_id)
        present = _sequence_id(self.model.position)
        if self.model.stage == "running" and self.states[present].status is not SequenceStatus.EXECUTING:
            self._note(present, SequenceStatus.EXECUTING, ONLY_WAY, moment_of(self.model.since))
            self.report()

    async def start_sequence(self, sequence_id: str, alternative_id: str) -> None:
        """Start the step that waits; one that the machine has just started by itself is as good."""
        await self.obey()
        if sequence_id != _sequence_id(self.model.position) or self.model.program is None:
            raise RefusedError(f"'{sequence_id}' is not the step that waits")
        if self.model.stage != "running":
            self._order(self.model.start)

    async def interrupt_sequence(self, sequence_id: str) -> None:
        """Halt the running step."""
        await self.obey()
        self._order(self.model.pause)

    async def resume_sequence(self, sequence_id: str) -> None:
        """Go on with the halted step."""
        await self.obey()
        if self.model.stage != "running":
            self._order(self.model.start)

    def _order(self, order: Callable[[], None]) -> None:
        try:
            order()
        except Refused as refusal:
            raise RefusedError(refusal.reason) from refusal
        self.moved()


def _sequence_id(place: int) -> str:
    return f"step_{place + 1}"


class WashingMachineDriver(MachineDriver[MachineSettings]):
    """A washing machine that is filled in the morning and must be done by the evening."""

    offer_name = "simulated.washing_machine"
    title = "Washing machine"
    device_class = DeviceClass.WASHING_MACHINE
    programs = washing.PROGRAMS

    def machine_settings(self) -> MachineSettings:
        """Its settings."""
        return self.config


class DishwasherDriver(MachineDriver[DishwasherSettings]):
    """A dishwasher that is filled after dinner and must be done by breakfast."""

    offer_name = "simulated.dishwasher"
    title = "Dishwasher"
    device_class = DeviceClass.DISHWASHER
    programs = dishwashing.PROGRAMS

    def machine_settings(self) -> MachineSettings:
        """Its settings."""
        return self.config
