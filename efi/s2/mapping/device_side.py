"""An S2 device as an appliance here: this end is the energy manager (CEM), the peer is the resource manager (RM)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NoReturn

from efi.allocation import AllocationRevoke
from efi.commodity import Commodity
from efi.measurement import Forecast, Measurement
from efi.message import ControlSpaceRevoke
from efi.messages import AppMessage
from efi.refusal import Refused, refuse
from efi.registration import ControlSpaceRegistration
from efi.s2.common import CommodityQuantity, ControlType
from efi.s2.conversation import (
    Handshake,
    InstructionStatusUpdate,
    ReceptionStatus,
    ReceptionStatusValues,
    ResourceManagerDetails,
    RevokeObject,
    SelectControlType,
    SessionRequest,
)
from efi.s2.mapping.controls.control import Control, attempt
from efi.s2.mapping.controls.ddbc import DemandDrivenControl
from efi.s2.mapping.controls.frbc import FillRateControl
from efi.s2.mapping.controls.modes import ModeControl
from efi.s2.mapping.controls.ombc import OperationModeControl
from efi.s2.mapping.controls.pebc import NotControllable, PowerEnvelopeControl
from efi.s2.mapping.controls.ppbc import PowerProfileControl
from efi.s2.mapping.guard import Guard
from efi.s2.mapping.level_scale import LevelScale
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.placing import Placing
from efi.s2.mapping.quantities import QUANTITIES
from efi.s2.mapping.read import power
from efi.s2.mapping.read.details import UNCHOSEN, registration
from efi.s2.mapping.settings import DeviceSettings
from efi.s2.mapping.translation import NOTHING, Translation
from efi.s2.mapping.turn import Turn
from efi.s2.messages import AnyS2Message
from efi.s2.power import PowerForecast, PowerMeasurement
from efi.s2.profile import Profile

CONTROLS: Mapping[ControlType, type[Control]] = {
    control.control_type: control
    for control in (
        FillRateControl,
        DemandDrivenControl,
        OperationModeControl,
        PowerProfileControl,
        PowerEnvelopeControl,
        NotControllable,
    )
}
"""What a device is under each control type; the type with the most freedom first."""

_OF_THE_SESSION = frozenset((Handshake, SessionRequest, ReceptionStatus))
"""Types are compared exactly here: `isinstance` of a pydantic class that is not the very one costs a µs."""


class DeviceSide:
    """The translator of one session with one device. It knows no transport and no clock, and never raises on a peer.

    What it says in the interface is what an appliance may say: registration first, description before state, one
    stream of statuses an allocation with one end. It judges all with a session of its own, so that the gateway's takes
    it. What cannot be said yet is kept, and said as soon as it can be. After a reconnect begin with a new one.
    """

    def __init__(
        self,
        appliance_id: str,
        *,
        profile: Profile,
        new_id: Callable[[], str],
        settings: DeviceSettings = DeviceSettings(),  # noqa: B008  # it is frozen
    ) -> None:
        self.profile = profile
        """The profile that the session speaks."""
        self._settings = settings
        self._new_id = new_id
        scale = settings.fill_level_scale
        level_scale = None if scale == 1.0 else LevelScale(settings.fill_level_unit or "", scale)
        self._guard = Guard(appliance_id, new_id, level_scale)
        self._placing = Placing(self._guard, new_id)
        self._details: ResourceManagerDetails | None = None
        self._control: Control | None = None
        self._registered: ControlSpaceRegistration | None = None
        self._early: dict[type[Any], Any] = {}
        self._used: dict[Commodity, None] = {}

    @property
    def control_type(self) -> ControlType:
        """The control type that was selected last; NO_SELECTION before."""
        return ControlType.NO_SELECTION if self._control is None else self._control.control_type

    @property
    def preferred(self) -> ControlType:
        """What to select of all that the device offers: the control type with the most freedom that it has.

        In this order: FRBC, DDBC, OMBC, PPBC, PEBC, NOT_CONTROLABLE; NO_SELECTION before the device told its details.
        """
        offered = self._details.available_control_types if self._details is not None else ()
        return next((each for each in CONTROLS if each in offered), ControlType.NO_SELECTION)

    # What the device says --------------------------------------------------------------------------------------------

    def hear(self, message: AnyS2Message, now: datetime) -> Translation:
        """What the device says: details, statuses, descriptions, measurements, instruction statuses, revocations.

        `to_efi` is what the appliance says by it (ApplianceMessage), `to_s2` what the device has to hear at once, as
        the revocation of instructions that have lost their sense. With a `refusal` nothing was taken in: answer
        INVALID_CONTENT with its sentence. Handshakes, ReceptionStatus and SessionRequest are the session's: ignored.
        """
        if type(message) in _OF_THE_SESSION:
            return NOTHING
        turn = Turn(now)
        try:
            heard = _HEARING.get(type(message))
            if heard is not None:
                heard(self, message, turn)
            elif self._control is None:
                _refuse_unselected(message)
            else:
                self._control.hear(message, turn)
        except Refused as refused:
            return turn.done(refused.refusal)
        return turn.done()

    def _hear_details(self, details: ResourceManagerDetails, turn: Turn) -> None:
        before, self._details = self._details, details
        if self._control is None or not self._control.known:
            return
        try:
            self._register(turn)
        except Refused:
            self._details = before
            raise

    def _hear_measurement(self, message: PowerMeasurement, turn: Turn) -> None:
        if self._may_be_told(message):
            self._use((value.commodity_quantity for value in message.values), turn)
            self._guard.tell(Measurement, power.measurement(message, turn.notes), turn)

    def _hear_forecast(self, message: PowerForecast, turn: Turn) -> None:
        if self._may_be_told(message):
            told = (value.commodity_quantity for element in message.elements for value in element.power_values)
            self._use(told, turn)
            self._guard.tell(Forecast, power.forecast(message, turn.notes), turn)

    def _use(self, quantities: Iterable[CommodityQuantity], turn: Turn) -> None:
        """Register the appliance anew where it tells of a commodity that was not known of it."""
        known = self._registered.commodities if self._registered is not None else ()
        told = {QUANTITIES[quantity].quantity.commodity for quantity in quantities}
        if not told.issubset(known):
            self._used |= dict.fromkeys(sorted(told))
            self._register(turn)

    def _may_be_told(self, message: Any) -> bool:
        """Whether the appliance is registered; before, the newest message of its kind waits for that."""
        if self._registered is not None:
            return True
        self._early[type(message)] = message
        return False

    def _hear_status(self, message: InstructionStatusUpdate, turn: Turn) -> None:
        self._placing.follow(message, turn)

    def _hear_revocation(self, message: RevokeObject, turn: Turn) -> None:
        if self._placing.revoked_by_device(message, turn):
            return
        if self._control is None:
            _refuse_unselected(message)
        self._control.revoke(message, turn)
        self._placing.forget_closed(turn)

    # Registration ----------------------------------------------------------------------------------------------------

    def select(self, control_type: ControlType, now: datetime) -> Translation:
        """A control type was selected: `SelectControlType` is in `to_s2`; the registration follows when it is known.

        What rested on the control type before is taken back.
        """
        turn = Turn(now)
        turn.to_s2.append(SelectControlType(message_id=uuid_of(self._new_id()), control_type=control_type))
        if control_type is self.control_type:
            return turn.done()
        self._leave(turn, f"the control type is {control_type.value} from now on")
        made = CONTROLS.get(control_type)
        self._control = None if made is None else made(self._guard, self._settings)
        if self._control is not None:
            self._control.register = self._register
            refusal = attempt(partial(self._register, turn)) if self._control.known else None
            if refusal is not None:
                turn.warn((refusal,))
        return turn.done()

    def _leave(self, turn: Turn, reason: str) -> None:
        """Take back what the device told, and what rests on it."""
        if self._registered is None:
            return
        self._registered = None
        self._guard.tell(ControlSpaceRevoke, {"reason": reason}, turn)
        self._placing.forget_closed(turn)

    def _register(self, turn: Turn) -> None:
        """Register the appliance, or register it anew and tell all again, if there is anything new to say."""
        control, details = self._control, self._details
        if control is None or details is None:
            refuse("details_missing", "", None, "the device has not said who it is", "send ResourceManagerDetails")
        used = (*control.commodities, *self._used)
        fields = registration(details, self._settings, used, turn.notes)
        own = control.own_fields(turn)
        fields |= {name: value for name, value in own.items() if name != "commodities"}
        made = self._guard.made(control.registers_as, fields, turn)
        if self._registered is not None and _same(self._registered, made):
            return
        live = self._guard.session.space.messages()[1:] if self._registered is not None else ()
        again = self._registered is not None
        self._registered = made
        self._guard.say(made, turn)
        self._note_unchosen(turn)
        self._placing.forget_closed(turn)
        self._tell_early(turn)
        if again:
            self._tell_again(live, control, turn)

    def _note_unchosen(self, turn: Turn) -> None:
        if self._details is not None and self._control is not None:
            others = [each for each in self._details.available_control_types if each is not self.control_type]
            if others:
                turn.notes.lost(UNCHOSEN, "available_control_types", ", ".join(others))

    def _tell_early(self, turn: Turn) -> None:
        early, self._early = self._early, {}
        for message in early.values():
            refusal = attempt(partial(_HEARING[type(message)], self, message, turn))
            if refusal is not None:
                turn.warn((refusal,))

    def _tell_again(self, live: tuple[Any, ...], control: Control, turn: Turn) -> None:
        """Tell again what held, as far as it still makes sense; states are the control's to tell."""
        states = control.state_kind if isinstance(control, ModeControl) else ()
        for message in live:
            if isinstance(message, states):
                continue
            refusal = attempt(partial(self._guard.say, self._guard.renamed(message, turn), turn))
            if refusal is not None:
                turn.warn((refusal,))
        control.retell(turn)

    # What an energy app says -----------------------------------------------------------------------------------------

    def tell(self, message: AppMessage, now: datetime) -> Translation:
        """What an energy app asks: an allocation becomes instructions, a revocation one RevokeObject an instruction.

        An allocation that cannot be asked of the device is answered in `to_efi` with its status.
        """
        turn = Turn(now)
        if isinstance(message, AllocationRevoke):
            refusal = self._placing.revoke(message, turn)
        else:
            refusal = self._placing.place(message, turn)
        return turn.done(refusal)

    def not_taken(self, message_id: str, status: ReceptionStatusValues | None, text: str, now: datetime) -> Translation:
        """The device answered a message of ours with another ReceptionStatus than OK, or in time with nothing: None.

        An instruction that was not taken counts as rejected; a revocation as done with.
        """
        turn = Turn(now)
        said = text if status is None else f"the device answered {status.value}: {text}"
        self._placing.not_taken(message_id, said, turn)
        return turn.done()

    # Time ------------------------------------------------------------------------------------------------------------

    @property
    def wakes_at(self) -> datetime | None:
        """When to call `wake` at the latest; None when nothing waits for a time."""
        begins = self._control.begins_at if self._control is not None else None
        return min((each for each in (begins, self._placing.overdue_at) if each is not None), default=None)

    def wake(self, now: datetime) -> Translation:
        """Say what waited for this time: what begins to hold only now, and revocations that the device left open."""
        turn = Turn(now)
        if self._control is not None:
            refusal = attempt(partial(self._control.begun, turn))
            if refusal is not None:
                turn.warn((refusal,))
        self._placing.close_overdue(turn)
        return turn.done()

    def end(self, now: datetime, reason: str) -> Translation:
        """The session is over: open allocations end, and the control space is taken back; the registration stays."""
        turn = Turn(now)
        self._leave(turn, reason)
        turn.to_s2.clear()
        self._control = None
        return turn.done()


def _same(one: ControlSpaceRegistration, other: ControlSpaceRegistration) -> bool:
    """Whether two registrations say the same."""
    heads = {"message_id": "", "timestamp": other.timestamp}
    return bool(one.model_copy(update=heads) == other.model_copy(update=heads))


def _refuse_unselected(message: Any) -> NoReturn:
    refuse(
        "control_type_not_active",
        "message_type",
        message.message_type,
        "no control type is selected",
        "wait for SelectControlType",
    )


_HEARING: Mapping[type[Any], Callable[[DeviceSide, Any, Turn], None]] = {
    ResourceManagerDetails: DeviceSide._hear_details,
    PowerMeasurement: DeviceSide._hear_measurement,
    PowerForecast: DeviceSide._hear_forecast,
    InstructionStatusUpdate: DeviceSide._hear_status,
    RevokeObject: DeviceSide._hear_revocation,
}
