"""What the gateway shows of itself: plain values for the HTTP interface, the command line and the pages."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.observation import ObservedValue, Quality

if TYPE_CHECKING:  # the gateway's health is told before the interface's models are built, which takes 0.2 s
    from pydantic import JsonValue

    from efi.messages import AnyMessage


class InstanceState(StrEnum):
    """Where a plugin instance is in its life."""

    STARTING = "starting"
    """Its process begins, or its `start` has not returned."""
    RUNNING = "running"
    """It answers."""
    STOPPING = "stopping"
    """It was asked to end."""
    STOPPED = "stopped"
    """It ended as asked."""
    BACKING_OFF = "backing_off"
    """It failed and will be started again."""
    QUARANTINED = "quarantined"
    """It failed too often; a person must release it."""
    MISSING = "missing"
    """The plugin that the site asks for is not installed, or cannot be described."""


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One configured plugin."""

    instance: str
    kind: str
    """"driver" or "app"."""
    offer: str
    state: InstanceState
    condition: ConditionState
    detail: str = ""
    text: str = ""
    cure: str = ""
    restarts: int = 0
    pid: int | None = None
    hosted: bool = True
    title: str = ""
    shed: int = 0
    """States and values, from it and for it, that a newer one replaced while they waited."""
    memory_bytes: int | None = None
    """What its process and all that it forked take, as of the last look; None while there is none."""
    memory_mb: int | None = None
    """What it may take."""
    bounded_by: str = ""
    """What keeps its memory within bounds, beside the looks of the gateway: "cgroup v2", "RLIMIT_DATA"."""
    cpu_share: float | None = None
    """What it takes of one core, over the last half minute."""
    cpu_share_budget: float | None = None
    """What it may take."""


@dataclass(frozen=True, slots=True)
class OperationView:
    """What a person can have done by a running instance."""

    name: str
    title: str
    description: str
    deadline_s: float
    """How long it may take."""
    input_schema: "dict[str, JsonValue]"
    """JSON Schema of its fields, with the keywords `unit`, `secret` and `role`."""
    output_schema: "dict[str, JsonValue]"


@dataclass(frozen=True, slots=True)
class AllocationView:
    """An allocation and how far it has come."""

    allocation_id: str
    app: str
    status: str
    text: str
    reason: str
    given_at: datetime
    changed_at: datetime
    message: "AnyMessage | None" = None


@dataclass(frozen=True, slots=True)
class ApplianceView:
    """One appliance, as the list of appliances shows it."""

    id: str
    instance: str
    name: str
    category: str
    device_class: str
    state: str
    """"online", "offline" or "gone"."""
    role: str | None
    power: float | None
    """W over all phases, or None when it is not known."""
    power_quality: Quality
    power_at: datetime | None
    app: str | None
    controlled_by: str
    """Who wins now: "app", "resident", "limit" or "nobody"."""
    summary: str
    """Its state in a few words: "62 %, charging"."""
    control_space: "tuple[AnyMessage, ...]"
    """The live messages, registration first."""
    allocations: tuple[AllocationView, ...]
    steerable: bool = True
    safe_fallback: bool = True
    condition: ConditionState = ConditionState.OK
    detail: str = ""
    """What ails it, as a stable name: the driver's own, or one out of `efpi_core.health_words`."""
    text: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """Which app controls an appliance, or could."""

    appliance: str
    app: str | None
    candidates: tuple[str, ...]
    by_hand: bool
    """Whether a person or the site decided it."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ObservationView:
    """The last value of an observation."""

    name: str
    value: ObservedValue
    unit: str
    quality: Quality
    at: datetime | None
    age_s: float | None


@dataclass(frozen=True, slots=True)
class BalanceView:
    """The electrical power of the house by role, in W; `unmeasured` is what the measured parts leave open."""

    grid: float | None
    producers: float
    storages: float
    consumers: float
    unmeasured: float | None
    """grid − (producers + storages + consumers): what the meter sees and nobody accounts for; None without a meter."""
    missing: tuple[str, ...] = ()
    """Appliances whose power is not known now."""


@dataclass(frozen=True, slots=True)
class PartHealth:
    """One part of the gateway."""

    name: str
    state: ConditionState
    detail: str = ""
    text: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class HealthView:
    """The gateway as a whole."""

    status: str
    """"ok", "degraded" or "starting"."""
    reasons: tuple[str, ...]
    version: str
    site: str
    revision: int
    now: datetime
    uptime_s: float
    parts: tuple[PartHealth, ...] = ()
    instances: tuple[InstanceView, ...] = ()
    told: dict[str, int] = field(default_factory=dict)
    """How many events were told since the start, by level."""
    time_zone: str = "UTC"
    """IANA name of the zone whose clock hangs on the site's wall."""


@dataclass(frozen=True, slots=True)
class EventView:
    """Something that happened, for people."""

    number: int
    at: datetime
    level: str
    subject: str
    """An instance, appliance, or part of the gateway."""
    kind: str
    """A stable name out of `efpi_core.event_kinds`."""
    text: str
    cure: str = ""
    detail: str = ""
    """What the kind leaves open, as a stable name: the rule that a message broke, how a device fails."""
    count: int = 1
    """How often it happened: repetitions are counted, not listed."""
    last_at: datetime | None = None
    """When it happened last, if more than once."""


@dataclass(frozen=True, slots=True)
class OverrideView:
    """The resident's word on one appliance, until it ends."""

    appliance: str
    action: str
    until: datetime
    by: str
    parameters: dict[str, float | str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RevisionView:
    """One revision of the site: who, when, why, and what became of it."""

    number: int
    at: datetime
    by: str
    why: str
    origin: str
    """"import", "apply" or "rollback"."""
    verdict: str
    """"candidate", "confirmed" or "rejected"."""
    in_force: bool
    source: str = ""
    note: str = ""
