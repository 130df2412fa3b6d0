"""What the reader of EFI 2.0 forgives, each by its name; docs/wires.md lists them."""

from efi.conversion import LeniencyKind

# The schema forbids these ---------------------------------------------------------------------------------------------

PREFIXLESS_ATTRIBUTE = LeniencyKind(
    "prefixless_attribute", "an attribute without the namespace's prefix", "taken as if it had it"
)
OLD_ROOT = LeniencyKind(
    "old_root",
    "a message's name in a draft of EFI 2.0, as `StorageStateUpdate` or `StorageTargetProfileUpdate`",
    "as the schema names it",
)
OLD_NAME = LeniencyKind(
    "old_name",
    "an element's or attribute's name in a draft or in the specification's text, as `electricityConsumption`, "
    "`transitionTime` or `usage`",
    "as the schema names it",
)
OLD_START_TIME = LeniencyKind(
    "old_start_time",
    "a target profile's own `startTime`, as a draft has it",
    "the profile begins then, and is free before",
)
SPELLING = LeniencyKind("spelling", "a listed word in another spelling, as `Gas Heater`", "as the schema spells it")
CURRENCY = LeniencyKind("currency", "a currency that the schema does not list, as CZK", "taken as it stands")
NO_TRANSITIONS = LeniencyKind(
    "no_transitions", "a system description without any transition", "there is no way between its running modes"
)
NO_TIMER_UPDATES = LeniencyKind("no_timer_updates", "a status without `timerUpdates`", "no timer changed")
NO_VERSION = LeniencyKind("no_version", "a message without `efiVersion`", "taken as version 2.0")
PADDED = LeniencyKind(
    "padded", "blanks around an instant, a length of time, a word or an identifier", "read without them"
)

# The schema allows these, and only the reading needs a word ----------------------------------------------------------

LONG_TEXT = LeniencyKind(
    "long_text",
    "a label of more than 200 characters or more than one line, or an explanation of more than 2000",
    "cut to that length, and control characters left out",
)
SELF_TRANSITION = LeniencyKind(
    "self_transition",
    "a transition from a running mode to itself, with a cost, a duration or timers",
    "left out, since staying is always allowed",
)
UNKNOWN_MODE = LeniencyKind(
    "unknown_mode", "a transition from or to a running mode that is not described", "the transition is left out"
)
REPEATED = LeniencyKind(
    "repeated",
    "the same commodity, timer, transition, running mode, actuator, step or alternative twice in one list",
    "the first counts, of an update of timers the last",
)
UNORDERED_BOUNDS = LeniencyKind(
    "unordered_bounds", "bounds of probability that do not enclose the expected value in order", "left out"
)
UNEQUAL_PROFILES = LeniencyKind(
    "unequal_profiles",
    "a profile that ends before that of another commodity beside it, or leaves out a quantity for a while",
    "a flow is taken as 0 there, and a temperature left out",
)
ONE_SIDED_QUANTITY = LeniencyKind(
    "one_sided_quantity",
    "a quantity that a continuous running mode tells at one end only",
    "it is the same at the other end",
)
ONE_SIDED_TARGET = LeniencyKind(
    "one_sided_target", "a fill level target that is infinite on one side", "taken as 1e15, the largest number"
)
NOT_A_NUMBER = LeniencyKind("not_a_number", "NaN where a number may be left out", "taken as not told")
SEVERAL_OPTIONS = LeniencyKind(
    "several_options",
    "several curtailment options for the same side of one quantity",
    "their ranges are taken together, and the longest of their least durations",
)
