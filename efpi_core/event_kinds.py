"""Every kind of event that the journal knows: a stable name, its level, what it means, and what to do about it.

docs/events.md shows this list; a test keeps both whole, and the code from telling anything else.
"""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much an event matters."""

    INFO = "info"
    """Good to know; nothing is to be done."""
    WARNING = "warning"
    """Something works less well than it should; the gateway copes."""
    ERROR = "error"
    """Something does not work, and will not without a person."""


RANK = {Level.INFO: 0, Level.WARNING: 1, Level.ERROR: 2}
"""Levels from the least to the gravest."""


@dataclass(frozen=True, slots=True)
class EventKind:
    """One kind of event."""

    name: str
    level: Level
    meaning: str
    """What it means for the house, as one sentence."""
    cure: str = ""
    """What to do about it when the event itself does not say; empty where nothing is to be done."""
    figures: bool = False
    """Whether its sentence holds figures that vary, so that a repetition is one whatever it says."""


KINDS: dict[str, EventKind] = {}
"""All of them, by name."""


def _kind(name: str, level: Level, meaning: str, cure: str = "", *, figures: bool = False) -> EventKind:
    return KINDS.setdefault(name, EventKind(name, level, meaning, cure, figures))


def kind_named(name: str) -> EventKind:
    """The kind of that name; what has none is a message that broke a rule of the interface."""
    return KINDS.get(name, MESSAGE_REFUSED)


_AUTHOR = "report it to the plugin's author, with `efpi diagnostics`"

# --- the gateway

GATEWAY_STARTED = _kind("gateway_started", Level.INFO, "The gateway began to work.")
GATEWAY_ENDED = _kind("gateway_ended", Level.INFO, "The gateway was told to end; its devices were brought to safety.")
GATEWAY_ENDED_BADLY = _kind(
    "gateway_ended_badly",
    Level.WARNING,
    "The life before did not end in order: a power cut, a kill or a crash. What was decided was taken up again.",
    "if the power did not fail, look at the end of the log of that life: `efpi diagnostics`",
)
NOT_REACHABLE = _kind(
    "not_reachable", Level.ERROR, "The page, or the commands' way in, cannot be opened; the house runs without it."
)
REACHABLE = _kind("reachable", Level.INFO, "The page or the commands' way in could be opened after all.")
EVENTS_LEFT_OUT = _kind(
    "events_left_out",
    Level.WARNING,
    "One part says more than the journal takes in a minute; the count says how many events were left out.",
    _AUTHOR,
)
CLOCK_SET = _kind(
    "clock_set",
    Level.INFO,
    "The machine's clock was set. Durations go on; schedules and instants follow a clock that a time server keeps.",
)
CLOCK_DOUBTED = _kind(
    "clock_doubted",
    Level.WARNING,
    "The machine's clock was set, and no time server keeps it: instants that were named before are as far away as they "
    "were.",
    "turn on a time service: timedatectl set-ntp true",
)
MACHINE_SUSPENDED = _kind(
    "machine_suspended",
    Level.INFO,
    "The machine slept: nothing was measured or steered. What was missed is not made up.",
)

# --- what is kept

STATE_NOT_KEPT = _kind(
    "state_not_kept",
    Level.ERROR,
    "Nothing reaches the disk; the gateway goes on in memory, and a restart would lose what happened since.",
)
STATE_KEPT = _kind("state_kept", Level.INFO, "The disk takes writes again; what was held in memory was written.")
STATE_RESCUED = _kind(
    "state_rescued",
    Level.ERROR,
    "The state database was damaged. It was set aside, and what could be read went into a new one.",
    "check the disk, it may be worn out; compare `efpi site history` and `efpi limit` with what you expect",
)
ROW_UNREADABLE = _kind(
    "row_unreadable",
    Level.WARNING,
    "One thing that was kept could not be read by this version and was forgotten.",
    "set it again: an override, a limit or a connection",
)
JOURNAL_FAILED = _kind(
    "journal_failed",
    Level.WARNING,
    "An allocation was given without being kept first; a restart would not know of it.",
    "see `efpi doctor`, it looks at the disk",
)

# --- the history

HISTORY_PAUSED = _kind(
    "history_paused",
    Level.ERROR,
    "What is observed does not reach the disk: it waits in memory, later values are lost. The house runs on.",
)
HISTORY_RESUMED = _kind("history_resumed", Level.INFO, "What is observed is written to the disk again.")
HISTORY_RESCUED = _kind(
    "history_rescued",
    Level.ERROR,
    "The history was damaged. It was set aside, and what could be read went into a new one.",
    "check the disk, it may be worn out",
)
COUNTER_RESET = _kind(
    "counter_reset", Level.INFO, "A counter began anew; what it shows since then counts.", figures=True
)
COUNTER_ROLLED_OVER = _kind(
    "counter_rolled_over", Level.INFO, "A counter passed its highest value and began at 0 again.", figures=True
)
COUNTER_REPLACED = _kind(
    "counter_replaced",
    Level.WARNING,
    "A counter shows what it cannot have counted: it is taken for another one, whose differences count from here.",
    "nothing, if the meter was replaced; else look at the device",
    figures=True,
)

# --- the site

SITE_APPLIED = _kind("site_applied", Level.INFO, "A changed site document is in force and has proved itself.")
SITE_REFUSED = _kind("site_refused", Level.ERROR, "The site file is wrong; the site before stays in force.")
SITE_ROLLED_BACK = _kind(
    "site_rolled_back",
    Level.ERROR,
    "A changed site did not hold, and the one before is in force again.",
    "mend what is named and apply it again",
)
SITE_NOT_CONFIRMED = _kind(
    "site_not_confirmed",
    Level.WARNING,
    "The gateway ended before a changed site had proved itself, so the one before is in force.",
    "apply it again if it is meant",
)

# --- plugin instances

INSTANCE_BACKING_OFF = _kind(
    "instance_backing_off", Level.WARNING, "A plugin instance failed and is started again within seconds."
)
INSTANCE_QUARANTINED = _kind(
    "instance_quarantined",
    Level.ERROR,
    "A plugin instance failed too often and stays off, with its appliances out of reach, until a person releases it.",
)
INSTANCE_MISSING = _kind(
    "instance_missing", Level.ERROR, "The site names a plugin that is not installed or cannot be used."
)
INSTANCE_ENDED = _kind("instance_ended", Level.ERROR, "In a simulation, a plugin instance came to an end.", _AUTHOR)
MEMORY_FORGOTTEN = _kind(
    "memory_forgotten", Level.INFO, "What a plugin instance kept that is not in the site any more is forgotten."
)
RESTARTED_BY_HAND = _kind("restarted_by_hand", Level.INFO, "A person had a plugin instance started again.")
OPERATION_CALLED = _kind(
    "operation_called", Level.INFO, "A person asked a plugin instance for one of its operations; secrets are masked."
)
OPERATION_FAILED = _kind(
    "operation_failed",
    Level.WARNING,
    "An operation that a person asked for came to nothing; the sentence says why.",
    "ask again; `efpi operation INSTANCE NAME --help` shows what it needs",
)
PLUGIN_FAILED = _kind(
    "plugin_failed", Level.ERROR, "A plugin raised an error where it should not; the log has its trace.", _AUTHOR
)
FLOODS = _kind(
    "floods",
    Level.WARNING,
    "A plugin sends more than its share. It is read at its share, and of states and values the newest count.",
    _AUTHOR,
)
CPU_OVER_BUDGET = _kind(
    "cpu_over_budget",
    Level.WARNING,
    "A plugin takes more of the processor than its budget allows; from now on it comes after the others.",
    "give it a larger `budget` in the site, or report it to the plugin's author, with `efpi diagnostics`",
    figures=True,
)
STRAIN_OVER = _kind("strain_over", Level.INFO, "A plugin that flooded keeps to its share again.")
UNSAFE_END = _kind(
    "unsafe_end",
    Level.ERROR,
    "A driver ended and could not bring its device to the safe state; the device keeps its last setting.",
    "look at the device, and set it by hand",
)

# --- what an instance says of itself or an appliance

DEGRADED = _kind("degraded", Level.WARNING, "A device or a service works in part.")
OFFLINE = _kind("offline", Level.WARNING, "A device or a service is out of reach; it is tried again.")
MISCONFIGURED = _kind("misconfigured", Level.WARNING, "A device or a service cannot work with its settings.")
RECOVERED = _kind("recovered", Level.INFO, "What was named before works again.")
APPLIANCE_GONE = _kind("appliance_gone", Level.INFO, "An appliance was taken away, and what it reported is forgotten.")
CONNECTED = _kind("connected", Level.INFO, "An energy app took control of an appliance.")

# --- what an instance may not do; it was refused, and the rest of the house goes on

MESSAGE_REFUSED = _kind(
    "message_refused",
    Level.WARNING,
    "A plugin sent a message that breaks a rule of the interface; the detail names the rule.",
    _AUTHOR,
)
ALLOCATION_REFUSED = _kind(
    "allocation_refused", Level.WARNING, "The gateway's own allocation was refused by the rules.", _AUTHOR
)
BAD_KEY = _kind("bad_key", Level.WARNING, "A plugin named an appliance in a way that is no name.", _AUTHOR)
BAD_MEMORY = _kind("bad_memory", Level.WARNING, "A plugin wanted to keep what cannot be kept.", _AUTHOR)
BAD_OBSERVATION = _kind("bad_observation", Level.WARNING, "A plugin reported what is no observation.", _AUTHOR)
NAME_TAKEN = _kind("name_taken", Level.WARNING, "A plugin brought an appliance under another's name.", _AUTHOR)
NOT_ITS_APPLIANCE = _kind("not_its_appliance", Level.WARNING, "A plugin spoke for another's appliance.", _AUTHOR)
NOT_ITS_OBSERVATION = _kind("not_its_observation", Level.WARNING, "A plugin reported another's observation.", _AUTHOR)
UNKNOWN_APPLIANCE = _kind(
    "unknown_appliance", Level.WARNING, "A plugin spoke of an appliance that is not there.", _AUTHOR
)
TOO_MANY_APPLIANCES = _kind(
    "too_many_appliances", Level.WARNING, "A plugin brought more appliances than one instance may.", _AUTHOR
)
TOO_MANY_OBSERVATIONS = _kind(
    "too_many_observations", Level.WARNING, "A plugin reports more observations than one instance may.", _AUTHOR
)
TOO_MANY_WATCHES = _kind(
    "too_many_watches", Level.WARNING, "A plugin follows more observations than one instance may.", _AUTHOR
)

# --- who wins

OVERRIDE_BEGUN = _kind(
    "override_begun", Level.INFO, "The resident decides about an appliance, until the time that is named."
)
OVERRIDE_ENDED = _kind("override_ended", Level.INFO, "The resident no longer decides; the app does, within the limits.")
OVERRIDE_NOT_RESUMED = _kind(
    "override_not_resumed",
    Level.WARNING,
    "What the resident had decided before the restart cannot be carried out any more.",
    "decide anew: `efpi override`",
)
LIMIT_SET = _kind("limit_set", Level.INFO, "A bound on power was set.")
LIMIT_LIFTED = _kind("limit_lifted", Level.INFO, "A bound on power was lifted.")
LIMIT_ENDED = _kind("limit_ended", Level.INFO, "A bound on power came to its end.")
LIMIT_NOT_KEPT = _kind("limit_not_kept", Level.ERROR, "A bound on power that was kept cannot be put in force.")
LIMIT_BROKEN = _kind(
    "limit_broken",
    Level.WARNING,
    "The power is beyond a bound and nothing that the gateway controls can mend it.",
    "turn something off by hand; if it happens often, connect more appliances or ask for a higher bound",
    figures=True,
)
LIMIT_ENFORCED = _kind("limit_enforced", Level.INFO, "The gateway itself holds an appliance so that a bound is kept.")
LIMIT_RELEASED = _kind("limit_released", Level.INFO, "The gateway gave an appliance back, since the bounds are kept.")
