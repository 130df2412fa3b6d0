"""An appliance here for somebody's energy manager: this end is the resource manager (RM), the peer is the CEM."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args

from efi.allocation import AllocationStatusUpdate
from efi.control_space import ControlSpace
from efi.inflexible import InflexibleCurtailmentOptions
from efi.measurement import Forecast, Measurement
from efi.message import ControlSpaceRevoke
from efi.messages import AnyRegistration, ApplianceMessage
from efi.refusal import Refusal
from efi.s2.common import ControlType
from efi.s2.conversation import ReceptionStatusValues, RevokeObject, SelectControlType
from efi.s2.mapping.asking import Asking
from efi.s2.mapping.controls.control import attempt
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.offering import Offering
from efi.s2.mapping.read.allocations import Reading
from efi.s2.mapping.settings import CemSettings
from efi.s2.mapping.translation import NOTHING, Translation
from efi.s2.mapping.turn import Turn
from efi.s2.mapping.write import power
from efi.s2.mapping.write.details import control_types, details, phases_of
from efi.s2.mapping.write.modes import Mirrors
from efi.s2.mapping.write.values import Quantities
from efi.s2.mapping.written_names import WrittenNames
from efi.s2.messages import AnyS2Message, Instruction, control_type_of
from efi.s2.profile import Profile

_REGISTRATIONS = get_args(AnyRegistration)
_INSTRUCTIONS = get_args(Instruction)


class CemSide:
    """The translator of one appliance for one energy manager, over any number of sessions with it.

    It knows no transport and no clock, and never raises on a peer. What the appliance tells is kept, so that all that
    is live can be told anew when a control type is selected. Names that are no UUIDs are written as UUIDs derived from
    them, the same ones in each session, since many peers take nothing else.
    """

    def __init__(
        self,
        appliance_id: str,
        *,
        profile: Profile,
        new_id: Callable[[], str],
        settings: CemSettings = CemSettings(),  # noqa: B008  # it is frozen
    ) -> None:
        self._settings = settings
        self._new_id = new_id
        self._space = ControlSpace()
        names, mirrors = WrittenNames(new_id), Mirrors()
        self._mirrors = mirrors
        self._offering = Offering(self._space, names, mirrors, new_id, profile)
        self._asking = Asking(appliance_id, self._space, Reading(self._space, names, mirrors), new_id)
        self._offered: tuple[ControlType, ...] = ()
        self._in_session = False

    @property
    def control_type(self) -> ControlType:
        """The control type that the energy manager selected last; NO_SELECTION before."""
        return self._offering.control_type

    @property
    def offered(self) -> tuple[ControlType, ...]:
        """The control types that the energy manager can choose from; none before the appliance registered."""
        return self._offered

    # Sessions --------------------------------------------------------------------------------------------------------

    def begin(self, profile: Profile, now: datetime) -> Translation:
        """A session begins, in the profile that was agreed on: `to_s2` has details, measurement and forecast.

        Nothing is to be said while the appliance has not registered; the details then follow its registration.
        """
        turn = Turn(now)
        self._in_session = True
        self._offering.profile = profile
        self._select(ControlType.NO_SELECTION)
        self._introduce(turn)
        return turn.done()

    def end(self, now: datetime, reason: str) -> Translation:
        """The session is over: `to_efi` takes back all that the energy manager asked for and that is still open."""
        turn = Turn(now)
        self._in_session = False
        self._select(ControlType.NO_SELECTION)
        self._asking.release(reason, turn)
        return turn.done()

    def _select(self, control_type: ControlType) -> None:
        self._offering.control_type = control_type
        self._offering.forget_states()

    def _introduce(self, turn: Turn) -> None:
        """Say who the appliance is, and what it measures and expects."""
        if self._space.registration is None or not self._in_session:
            return
        self._say_details(turn)
        for message in (self._space.measurement, self._space.forecast):
            if message is not None:
                self._say_power(message, turn)

    def _say_details(self, turn: Turn) -> None:
        registration = self._space.registration
        if registration is not None:
            self._offered = control_types(registration, self._curtailable, self._settings)
            quantities = self._offering.quantities
            told = details(registration, self._offered, quantities, self._settings, turn.notes)
            turn.to_s2.append(told.model_copy(update={"message_id": uuid_of(self._new_id())}))

    @property
    def _curtailable(self) -> bool:
        return any(options.options for options in self._space.curtailment_options)

    # What the appliance says -----------------------------------------------------------------------------------------

    def tell(self, message: ApplianceMessage, now: datetime) -> Translation:
        """What the appliance says, as far as the selected control type has words for it; the rest is kept.

        Between sessions it is only taken in, and `to_s2` is empty.
        """
        turn = Turn(now)
        told = _TELLING.get(type(message), CemSide._tell_update)
        told(self, message, turn)
        return turn.done() if self._in_session else NOTHING

    def _tell_registration(self, registration: AnyRegistration, turn: Turn) -> None:
        revoke = ControlSpaceRevoke(
            message_id=registration.message_id, appliance_id=registration.appliance_id, timestamp=turn.now
        )
        self._tell_revoke(revoke, turn)
        self._space.apply(registration, turn.now)
        self._mirrors.clear()
        self._offering.quantities = Quantities(phases_of(registration, self._settings))
        self._introduce(turn)
        if self.control_type not in self._offered:
            self._select(ControlType.NO_SELECTION)

    def _tell_measurement(self, message: Measurement, turn: Turn) -> None:
        self._space.apply(message, turn.now)
        self._say_power(message, turn)

    def _tell_forecast(self, message: Forecast, turn: Turn) -> None:
        self._space.apply(message, turn.now)
        self._say_power(message, turn)

    def _say_power(self, message: Measurement | Forecast, turn: Turn) -> None:
        if not self._in_session or self._space.registration is None:
            return
        quantities = self._offering.quantities
        told: Any = (
            power.measurement(message, quantities, turn.notes)
            if isinstance(message, Measurement)
            else power.forecast(message, quantities, turn.notes)
        )
        if told is not None:
            turn.to_s2.append(told.model_copy(update={"message_id": uuid_of(self._new_id())}))

    def _tell_revoke(self, revoke: ControlSpaceRevoke, turn: Turn) -> None:
        live = self._space.messages()
        curtailable = self._curtailable
        if self._in_session:
            self._offering.revoke(revoke, live, turn)
        self._space.apply(revoke, turn.now)
        self._offering.forget_states()
        if curtailable and not self._curtailable and self._in_session:
            self._say_details(turn)

    def _tell_options(self, options: InflexibleCurtailmentOptions, turn: Turn) -> None:
        before, curtailable = self._space.curtailment_options, self._curtailable
        self._space.apply(options, turn.now)
        if curtailable is not self._curtailable and self._in_session:
            self._say_details(turn)
        if not options.options:
            live = {each.message_id for each in self._space.curtailment_options}
            gone = ControlSpaceRevoke(
                message_id=options.message_id, appliance_id=options.appliance_id, timestamp=turn.now
            )
            self._offering.revoke(gone, tuple(each for each in before if each.message_id not in live), turn)
        self._say_update(options, turn)

    def _tell_update(self, message: Any, turn: Turn) -> None:
        self._space.apply(message, turn.now)
        self._say_update(message, turn)

    def _say_update(self, message: Any, turn: Turn) -> None:
        if not self._in_session or not self._offering.tells(message):
            return
        self._offering.tell(message, turn)
        if hasattr(message, "actuators") or hasattr(message, "mode_id"):
            self._asking.look_at_state(message, turn)

    def _tell_status(self, update: AllocationStatusUpdate, turn: Turn) -> None:
        self._asking.follow(update, turn)

    # What the energy manager says ------------------------------------------------------------------------------------

    def hear(self, message: AnyS2Message, now: datetime) -> Translation:
        """What the energy manager says: SelectControlType, instructions, RevokeObject.

        `to_efi` has allocations and revocations (AppMessage) for the appliance, `to_s2` what is told anew after a
        selection, and the instruction's first status. With a `refusal` answer INVALID_CONTENT with its sentence; an
        instruction is then answered with REJECTED in `to_s2`, too. Other messages are the session's: ignored.
        """
        turn = Turn(now)
        refusal = None
        if isinstance(message, SelectControlType):
            refusal = self._hear_selection(message, turn)
        elif isinstance(message, _INSTRUCTIONS):
            refusal = self._hear_instruction(message, turn)
        elif isinstance(message, RevokeObject):
            refusal = attempt(lambda: self._asking.revoke(message, turn))
        return turn.done(refusal)

    def _hear_selection(self, message: SelectControlType, turn: Turn) -> Refusal | None:
        selected = message.control_type
        if selected is not ControlType.NO_SELECTION and selected not in self._offered:
            return Refusal(
                "control_type_not_offered",
                "control_type",
                selected.value,
                "the appliance cannot be controlled so",
                f"select one of: {', '.join(self._offered) or '(none so far)'}",
            )
        if selected is not self.control_type:
            self._asking.release(f"the energy manager selected {selected.value}", turn)
        self._select(selected)
        for update in self._space.messages():
            if self._offering.tells(update):
                self._offering.tell(update, turn)  # type: ignore[arg-type]  # it tells only updates
        return None

    def _hear_instruction(self, message: Any, turn: Turn) -> Refusal | None:
        if control_type_of(message.message_type) is not self.control_type:
            return Refusal(
                "control_type_not_active",
                "message_type",
                message.message_type,
                f"the selected control type is {self.control_type.value}",
                "select the control type first",
            )
        return self._asking.hear(message, self._offering.quantities, turn)

    def not_taken(self, message_id: str, status: ReceptionStatusValues, text: str, now: datetime) -> Translation:
        """The energy manager answered a message of ours with another ReceptionStatus than OK: nothing can be done."""
        return NOTHING

    # Time ------------------------------------------------------------------------------------------------------------

    @property
    def wakes_at(self) -> datetime | None:
        """When to call `wake` at the latest; None when nothing waits for a time."""
        return self._asking.next_begin

    def wake(self, now: datetime) -> Translation:
        """Say what waited for this time, as the start of the second of several instructions."""
        turn = Turn(now)
        self._asking.begin_due(turn)
        return turn.done() if self._in_session else NOTHING


_TELLING: Mapping[type[Any], Callable[[CemSide, Any, Turn], None]] = {
    **dict.fromkeys(_REGISTRATIONS, CemSide._tell_registration),
    Measurement: CemSide._tell_measurement,
    Forecast: CemSide._tell_forecast,
    ControlSpaceRevoke: CemSide._tell_revoke,
    InflexibleCurtailmentOptions: CemSide._tell_options,
    AllocationStatusUpdate: CemSide._tell_status,
}
