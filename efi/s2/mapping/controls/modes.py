"""What the control types with operation modes have in common: descriptions told ahead, states that wait for them."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, NoReturn

from efi.mode_index import ActuatorModes, ModeIndex
from efi.refusal import listed, refuse
from efi.s2.conversation import RevokeObject
from efi.s2.mapping.controls.control import Control, attempt, refuse_revocation
from efi.s2.mapping.guard import Guard
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.read.modes import mode_state, timer_end
from efi.s2.mapping.read.values import Fields
from efi.s2.mapping.settings import DeviceSettings
from efi.s2.mapping.turn import Turn
from efi.succession import MAX_TOLD_AHEAD, has_begun

MOST_HELD = 1000
"""Of how many actuators and timers a state is kept until a description names them."""


class ModeControl(Control):
    """A device that runs in operation modes. Actuators are known by name; a device without any has one called None."""

    description_kind: ClassVar[type[Any]]
    state_kind: ClassVar[type[Any]]

    def __init__(self, guard: Guard, settings: DeviceSettings) -> None:
        super().__init__(guard, settings)
        self._own: Fields | None = None
        self._held: list[tuple[Any, Fields]] = []
        self._in_force: Any = None
        self._index: ModeIndex | None = None
        self._states: dict[str | None, Any] = {}
        self._timers: dict[str | None, dict[str, datetime]] = {}
        self._untold: dict[str | None, None] = {}

    @property
    def known(self) -> bool:
        """Whether a description told the actuators."""
        return self._own is not None

    def own_fields(self, turn: Turn) -> Fields:
        """What the last description in force says of the appliance as such."""
        return dict(self._own or {})

    # What differs ----------------------------------------------------------------------------------------------------

    @abstractmethod
    def description_fields(self, message: Any, turn: Turn) -> Fields:
        """The fields of a description."""

    @abstractmethod
    def appliance_fields(self, message: Any, turn: Turn) -> Fields:
        """What a description says that belongs into the registration."""

    @abstractmethod
    def state_fields(self, actuators: list[Fields]) -> Fields | None:
        """The fields of a state with these actuators; None while something is missing."""

    def understood(self, message: Any, fields: Fields, description: Any, turn: Turn) -> None:
        """Remember what was understood of a description, where that helps with the next one."""

    # Descriptions ----------------------------------------------------------------------------------------------------

    def hear_description(self, message: Any, turn: Turn) -> None:
        """Tell a description now, or when it begins to hold if the appliance must be registered anew for it."""
        fields = self.description_fields(message, turn)
        description = self.guard.made(self.description_kind, fields, turn)
        self.understood(message, fields, description, turn)
        own = self.appliance_fields(message, turn)
        if self._own is not None and own != self._own and not has_begun(description, turn.now):
            self._hold(description, own)
        else:
            self._describe(description, own, turn)
        self.begun(turn)

    def _hold(self, description: Any, own: Fields) -> None:
        if len(self._held) >= MAX_TOLD_AHEAD:
            refuse("too_much_told_ahead", "", None, "too many descriptions are told ahead", "tell fewer ahead")
        others = [held for held in self._held if held[0].valid_from != description.valid_from]
        self._held = sorted((*others, (description, own)), key=lambda held: held[0].valid_from)

    def _describe(self, description: Any, own: Fields, turn: Turn) -> None:
        if own != self._own:
            self._own = own
            self.register(turn)
        self.guard.say(description, turn)

    def begun(self, turn: Turn) -> None:
        """Notice that another description holds by now, and tell the states anew that fit it."""
        while self._held and has_begun(self._held[0][0], turn.now):
            description, own = self._held.pop(0)
            refusal = attempt(partial(self._describe, self.guard.renamed(description, turn), own, turn))
            if refusal is not None:
                turn.warn((refusal,))
        holding = self.space.description_at(turn.now)
        if holding is self._in_force:
            return
        self._in_force = holding
        self._index = None
        self.tell_all(turn)

    @property
    def begins_at(self) -> datetime | None:
        """When the next description begins to hold."""
        ahead = [held.valid_from for held, _ in self._held]
        descriptions = self.space.descriptions
        passed = next((place + 1 for place, told in enumerate(descriptions) if told is self._in_force), 0)
        ahead += [told.valid_from for told in descriptions[passed:]]
        return min(ahead, default=None)

    def retell(self, turn: Turn) -> None:
        """Tell the states anew."""
        self._in_force = self._index = None
        self.begun(turn)

    def live_name(self, revoked: RevokeObject) -> str:
        """A description by its message_id; since S2 does not say what names it, by any other name where it is alone."""
        if revoked.object_type not in self.revocable:
            refuse_revocation(revoked)
        name = self.guard.current(revoked.object_id)
        descriptions = self.space.descriptions
        if any(told.message_id == name for told in descriptions):
            return name
        if len(descriptions) != 1:
            refuse_revocation(revoked)
        return str(descriptions[0].message_id)

    def revoke(self, revoked: RevokeObject, turn: Turn) -> None:
        """Take a description back, also one that is not told yet."""
        kept = [held for held in self._held if held[0].message_id != revoked.object_id]
        if len(kept) < len(self._held):
            self._held = kept
            return
        super().revoke(revoked, turn)
        self.begun(turn)

    # States ----------------------------------------------------------------------------------------------------------

    def hear_mode(self, actuator_id: str | None, status: Any, turn: Turn) -> None:
        """Tell how an actuator runs, or keep it until it can be told."""
        self.begun(turn)
        if self._fits(actuator_id, status.active_operation_mode_id):
            mode_state(status, self._modes[actuator_id].modes, turn.notes)
        else:
            self._require_hope(actuator_id, status.active_operation_mode_id)
        self._states[actuator_id] = status
        self._untold[actuator_id] = None
        self.tell_state(turn, status.message_id)

    def hear_timer(self, actuator_id: str | None, status: Any, turn: Turn) -> None:
        """Tell when a timer ends, with the mode of its actuator, or keep it until that is known."""
        self.begun(turn)
        modes = self._modes.get(actuator_id)
        if modes is None or status.timer_id not in modes.timers:
            self._require_hope(actuator_id, None, status.timer_id)
        self._timers.setdefault(actuator_id, {})[status.timer_id] = timer_end(status.finished_at, turn.notes)
        self._untold[actuator_id] = None
        self.tell_state(turn, status.message_id)

    @property
    def _modes(self) -> Mapping[str | None, ActuatorModes]:
        """The modes of the description in force, looked through when the first state or timer asks."""
        if self._index is None:
            if self._in_force is None:
                return {}
            self._index = ModeIndex(self._in_force)
        return self._index.actuators

    def _fits(self, actuator_id: str | None, mode_id: str) -> bool:
        modes = self._modes.get(actuator_id)
        return modes is not None and mode_id in modes.modes

    def _require_hope(self, actuator_id: str | None, mode_id: str | None, timer_id: str | None = None) -> None:
        """What no description in force names may be named by one that is still to come, or was told ahead."""
        if self._in_force is None:
            if len(self._states) + sum(map(len, self._timers.values())) >= MOST_HELD:
                refuse("too_much_told_ahead", "", None, "no description names all this", "send the description first")
            return
        for told in (*self.space.descriptions, *(held for held, _ in self._held)):
            modes = ModeIndex(told).actuators.get(actuator_id)
            if modes is not None and (mode_id in modes.modes or timer_id in modes.timers):
                return
        if actuator_id not in self._modes:
            self._refuse_unknown("actuator", "actuator_id", actuator_id, self._modes)
        known = self._modes[actuator_id]
        if timer_id is not None:
            self._refuse_unknown("timer", "timer_id", timer_id, known.timers)
        self._refuse_unknown("mode", "active_operation_mode_id", mode_id, known.modes)

    def _refuse_unknown(self, what: str, path: str, name: str | None, known: Iterable[Any]) -> NoReturn:
        refuse(
            f"unknown_{what}",
            path,
            name,
            f"the system description has no such {what}",
            f"send the description first, or name one of: {listed(known)}",
        )

    def tell_all(self, turn: Turn) -> None:
        """Tell anew all that is known of every actuator."""
        self._untold = dict.fromkeys((*self._states, *self._timers))
        self.tell_state(turn)

    def tell_state(self, turn: Turn, message_id: str | None = None) -> None:
        """Tell the state as far as it is new and can be told, under the name of the message that brought it."""
        if self._in_force is None:
            return
        found = {actuator_id: self._actuator_fields(actuator_id) for actuator_id in self._untold}
        told = {actuator_id: fields for actuator_id, fields in found.items() if fields is not None}
        fields = self.state_fields(list(told.values()))
        if fields is None:
            return
        fields["valid_from"] = turn.now
        if message_id is not None:
            fields["message_id"] = message_id
        self.guard.tell(self.state_kind, fields, turn)
        for actuator_id in told:
            del self._untold[actuator_id]

    def _actuator_fields(self, actuator_id: str | None) -> Fields | None:
        """How an actuator runs; None while its mode is not known, or is none of those in force."""
        status = self._states.get(actuator_id)
        if status is None or not self._fits(actuator_id, status.active_operation_mode_id):
            return None
        modes = self._modes[actuator_id]
        fields = mode_state(status, modes.modes, Notes())
        if actuator_id is not None:
            fields["actuator_id"] = actuator_id
        if ends := self._timers.get(actuator_id):
            fields["timers"] = [
                {"timer_id": timer, "finished_at": end} for timer, end in ends.items() if timer in modes.timers
            ]
        return fields

    def commodities_told(self, actuators: Iterable[Fields]) -> tuple[Any, ...]:
        """The commodities of actuators, each once."""
        return tuple(dict.fromkeys(each for actuator in actuators for each in actuator["commodities"]))
