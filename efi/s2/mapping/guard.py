"""The conversation that a device's words make up here, judged before anybody hears them."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from efi.errors import faults
from efi.messages import ApplianceMessage
from efi.recent import RecentIds
from efi.refusal import Refusal, Refused
from efi.s2.mapping.level_scale import LevelScale
from efi.s2.mapping.read.values import Fields
from efi.s2.mapping.turn import Turn
from efi.session import Session

REMEMBERED_OBJECTS = 64
"""How many constraints and profiles at least are known by name after others came."""

MOST_RENAMED = 1000
"""How many messages that were said again are known by the name that the device gave them."""


class Guard:
    """Makes the interface's messages of fields, and lets them pass a session of its own."""

    def __init__(self, appliance_id: str, new_id: Callable[[], str], scale: LevelScale | None) -> None:
        self.session = Session(appliance_id, new_id=new_id)
        self._appliance_id = appliance_id
        self._new_id = new_id
        self._scale = scale
        self._current: dict[str, str] = {}
        self._original: dict[str, str] = {}
        self._objects = RecentIds(REMEMBERED_OBJECTS)

    @property
    def scales(self) -> bool:
        """Whether fill levels are told in another unit than the device's."""
        return self._scale is not None

    def made(self, kind: type[Any], fields: Fields, turn: Turn) -> Any:
        """A message of the appliance; raises `Refused` where its fields make no message."""
        fields["appliance_id"] = self._appliance_id
        fields["timestamp"] = turn.now
        if "message_id" not in fields:
            fields["message_id"] = self._new_id()
        try:
            message = kind(**fields)
        except ValidationError as error:
            raise Refused(_in_s2_words(faults(error)[0])) from None
        return message if self._scale is None else self._scale.told(message)

    def say(self, message: ApplianceMessage, turn: Turn) -> None:
        """Let the appliance say something; raises `Refused` when it may not.

        A device may give two messages one name, as one that describes itself anew in the very same words does.
        """
        verdict = self.session.from_appliance(message, turn.now)
        if verdict.refusal is not None and verdict.refusal.rule == "repeated_message":
            verdict = self.session.from_appliance(self.renamed(message, turn), turn.now)
        if verdict.refusal is not None:
            raise Refused(_in_s2_words(verdict.refusal))
        turn.to_efi.extend(verdict.to_app)
        if verdict.warnings:
            turn.warn(verdict.warnings)

    def tell(self, kind: type[Any], fields: Fields, turn: Turn) -> None:
        """Make a message and say it."""
        self.say(self.made(kind, fields, turn), turn)

    def object_name(self, name: str) -> str:
        """What a constraint or profile of this id is called here: so, or otherwise if it was told before."""
        if name in self._objects or self.session.space.live(name):
            return self._rename(name)
        self._objects.add(name)
        return name

    def renamed(self, message: Any, turn: Turn) -> Any:
        """A message that was said before, to be said again: nothing is said twice under one name."""
        name = self._rename(self.original(message.message_id))
        return message.model_copy(update={"message_id": name, "timestamp": turn.now})

    def _rename(self, name: str) -> str:
        if len(self._original) >= MOST_RENAMED:
            oldest = next(iter(self._original))
            if self._current.get(self._original.pop(oldest)) == oldest:
                self._current = {theirs: ours for theirs, ours in self._current.items() if ours != oldest}
        new = self._new_id()
        self._current[name], self._original[new] = new, name
        return new

    def current(self, name: str) -> str:
        """What the device's object is called here."""
        return self._current.get(name, name)

    def original(self, name: str) -> str:
        """What the device calls an object that is called so here."""
        return self._original.get(name, name)


_S2_WORDS: Mapping[str, str] = {
    "modes": "operation_modes",
    "power": "power_ranges",
    "sequences": "power_sequences_containers",
    "alternatives": "power_sequences",
    "supply": "supply_range",
    "rate": "rate_expected",
    "start": "start_of_range",
    "end": "end_of_range",
    "lower": "start_of_range",
    "upper": "end_of_range",
    "mode_id": "active_operation_mode_id",
    "factor": "operation_mode_factor",
    "previous_mode_id": "previous_operation_mode_id",
    "transition_started_at": "transition_timestamp",
    "fill_level": "present_fill_level",
    "demand": "present_demand_rate",
    "from_mode": "from",
    "to_mode": "to",
    "label": "diagnostic_label",
    "start_after": "start_time",
    "end_before": "end_time",
    "options": "allowed_limit_ranges",
    "measured_at": "measurement_timestamp",
    "values": "power_values",
}


def _in_s2_words(refusal: Refusal) -> Refusal:
    """A refusal with the path in S2's words, as near as they come."""
    if not refusal.path:
        return refusal
    return refusal._replace(path=".".join(_S2_WORDS.get(part, part) for part in refusal.path.split(".")))
