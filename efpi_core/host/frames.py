"""The frames that gateway and plugin instance exchange: the same objects inline, the same JSON between processes.

Frames to the instance are orders of the gateway; frames from it are what its plugin does. All are plain slotted
dataclasses: making one costs less than a validated model, and validation happens where bytes come in (`framing.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from efi.allocation import AllocationStatusUpdate
from efi.messages import AnyMessage, AnyRegistration
from efpi_core.host.call_frames import Answered, GiveUp, Operate, Told
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.limits import Limit
from efpi_core.plugin.observation import ObservationSpec, ObservedValue, Quality
from efpi_core.plugin.site_facts import SiteFacts

PROTOCOL = (1, 2)
"""Version of these frames: equal majors understand each other; the minor counts additions."""

OPERATIONS_SINCE = (1, 2)
"""The version that brought `Operate` and what belongs to it, and `Settle`."""


MOST_AT_ONCE = 10_000
"""How many things one frame may name."""


class ClockMode(StrEnum):
    """Who moves an instance's time."""

    REAL = "real"
    """The machine's clocks."""
    STEPPED = "stepped"
    """The gateway, by `Advance` frames."""


# --- to the instance ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Start:
    """Begin: everything the instance needs to know of its world."""

    protocol: tuple[int, int]
    instance: str
    offer: str
    config: dict[str, JsonValue]
    secrets: dict[str, str]
    storage: dict[str, JsonValue]
    clock: ClockMode
    now: datetime
    life: str
    seed: int
    site: SiteFacts
    resolution_s: float = 5.0
    replacement: bool = False
    """Whether a life before this one ended without order, so that the devices may be anywhere."""
    promised: tuple[str, ...] = ()
    """The appliances of which allocations of a former life stand; `Standing` names them once they are described."""
    op: Literal["start"] = "start"


@dataclass(slots=True)
class Deliver:
    """A message of the interface, for the appliance (to a driver) or from it (to an app)."""

    appliance_id: str
    message: AnyMessage
    op: Literal["deliver"] = "deliver"


@dataclass(slots=True)
class Connected:
    """An app now controls the appliance. To its driver: `registration` is None. To the app: whom it controls."""

    appliance_id: str
    app: str
    registration: AnyRegistration | None = None
    listens: bool = False
    """To an app: it only hears what the appliance says, since that is measured only and nobody controls it."""
    op: Literal["connected"] = "connected"


@dataclass(slots=True)
class Standing:
    """An allocation that its driver had before it began anew. To the driver: take it up again, or end it.

    To the app that gave it: it stands, so do not give it again.
    """

    appliance_id: str
    allocation: AnyMessage
    word: AllocationStatusUpdate | None = None
    """The appliance's last word on it; None when there was none yet."""
    op: Literal["standing"] = "standing"


@dataclass(slots=True)
class Disconnected:
    """The app no longer controls the appliance."""

    appliance_id: str
    reason: str
    op: Literal["disconnected"] = "disconnected"


@dataclass(slots=True)
class Observed:
    """An observation that the instance asked for has a new value."""

    name: str
    value: ObservedValue
    unit: str
    quality: Quality
    at: datetime
    op: Literal["observed"] = "observed"


@dataclass(slots=True)
class LimitsChanged:
    """All limits that are in force or announced; replaces those told before."""

    limits: tuple[Limit, ...]
    op: Literal["limits"] = "limits"


@dataclass(slots=True)
class Advance:
    """Stepped time moves to `now`: fire what is due, then answer `Quiet`."""

    now: datetime
    follow: int = 0
    """So many frames of this instant follow; they are taken in together, however the wire cuts them."""
    op: Literal["advance"] = "advance"


@dataclass(slots=True)
class Ping:
    """Are you alive? Answered by `Pong` from within the instance's event loop."""

    number: int
    op: Literal["ping"] = "ping"


@dataclass(slots=True)
class Stop:
    """End in order: safe state first, within the deadline."""

    deadline_s: float
    reason: str = ""
    op: Literal["stop"] = "stop"


@dataclass(slots=True)
class Settled:
    """What was stored before `Settle` is on disk; or it is only in memory, since the disk refuses."""

    number: int
    kept: bool
    op: Literal["settled"] = "settled"


ToInstance = (
    Start
    | Deliver
    | Connected
    | Standing
    | Disconnected
    | Observed
    | LimitsChanged
    | Advance
    | Ping
    | Stop
    | Operate
    | GiveUp
    | Settled
)

# --- from the instance -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Hello:
    """First word of a hosted process, before `Start`: what it understands."""

    protocol: tuple[int, int]
    efi_version: tuple[int, int]
    pid: int
    op: Literal["hello"] = "hello"


@dataclass(slots=True)
class Ready:
    """The plugin's `start` has returned."""

    op: Literal["ready"] = "ready"


@dataclass(slots=True)
class AddAppliance:
    """The instance brings an appliance; the registration's `appliance_id` says which."""

    key: str
    registration: AnyRegistration
    steerable: bool = True
    safe_fallback: bool = True
    op: Literal["add_appliance"] = "add_appliance"


@dataclass(slots=True)
class RemoveAppliance:
    """The appliance is gone for good, not merely out of reach."""

    appliance_id: str
    reason: str
    op: Literal["remove_appliance"] = "remove_appliance"


@dataclass(slots=True)
class Say:
    """A message of the interface: a driver's about its appliance, or an app's to an appliance that it controls."""

    appliance_id: str
    message: AnyMessage
    op: Literal["say"] = "say"


@dataclass(slots=True)
class Declare:
    """The observations that the instance will publish."""

    specs: Annotated[tuple[ObservationSpec, ...], Field(max_length=MOST_AT_ONCE)]
    op: Literal["declare"] = "declare"


@dataclass(slots=True)
class Publish:
    """A new value of a declared observation; `name` is its full name, `<instance or appliance>.<quantity>`."""

    name: str
    value: ObservedValue
    at: datetime
    quality: Quality = Quality.GOOD
    op: Literal["publish"] = "publish"


@dataclass(slots=True)
class Watch:
    """The instance wants the values of observations; `*` in a pattern stands for one part of a dotted name."""

    patterns: Annotated[tuple[str, ...], Field(max_length=MOST_AT_ONCE)]
    op: Literal["watch"] = "watch"


@dataclass(slots=True)
class Store:
    """Keep a value for the instance durably; None forgets it."""

    key: str
    value: JsonValue
    durable: bool = False
    """Whether it must outlive a power cut from the moment at which it counts as kept."""
    op: Literal["store"] = "store"


@dataclass(slots=True)
class Settle:
    """Tell when all that was stored before is kept; answered by `Settled`."""

    number: int
    op: Literal["settle"] = "settle"


@dataclass(slots=True)
class Log:
    """A line for the log, at a level of the standard library's logging."""

    level: int
    text: str
    op: Literal["log"] = "log"


@dataclass(slots=True)
class Condition:
    """How the instance, or one of its appliances, is doing, in words and with a cure."""

    state: ConditionState
    detail: str
    text: str
    cure: str
    appliance_id: str | None = None
    op: Literal["condition"] = "condition"


@dataclass(slots=True)
class Pong:
    """The event loop is alive. `received` counts the frames handled so far; `busy_s` how long a handler has run.

    `shed` counts the states and values, from it and for it, that a newer one replaced while they waited.
    """

    number: int
    received: int
    busy_s: float
    shed: int = 0
    op: Literal["pong"] = "pong"


@dataclass(slots=True)
class Quiet:
    """Nothing is left to do at this instant; `next_wakeup` is the next timer, `received` the frames handled so far."""

    next_wakeup: datetime | None
    received: int
    op: Literal["quiet"] = "quiet"


@dataclass(slots=True)
class Failed:
    """The plugin raised where it must not; the instance ends unless `fatal` is False."""

    moment: str
    error: str
    cure: str = ""
    traceback: str = ""
    fatal: bool = True
    op: Literal["failed"] = "failed"


@dataclass(slots=True)
class Stopped:
    """Last word: all is in its safe state, or why not."""

    unsafe: Annotated[tuple[str, ...], Field(max_length=MOST_AT_ONCE)] = ()
    op: Literal["stopped"] = "stopped"


FromInstance = (
    Hello
    | Ready
    | AddAppliance
    | RemoveAppliance
    | Say
    | Declare
    | Publish
    | Watch
    | Store
    | Settle
    | Log
    | Condition
    | Pong
    | Quiet
    | Failed
    | Told
    | Answered
    | Stopped
)
