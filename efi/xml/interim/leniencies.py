"""What the reader of the interim form forgives, each by its name; docs/wires.md lists them."""

from efi.conversion import LeniencyKind

# The schema allows these, and only the reading needs a word ----------------------------------------------------------

LONG_TEXT = LeniencyKind(
    "long_text", "a label of more than 200 characters, or an explanation of more than 2000", "cut to that length"
)
SELF_TRANSITION = LeniencyKind(
    "self_transition",
    "a transition from a running mode to itself, with a cost, a duration or timers",
    "left out, since staying is always allowed",
)
UNKNOWN_MODE = LeniencyKind(
    "unknown_mode", "a transition to a running mode that is not described", "the transition is left out"
)
REPEATED_TRANSITION = LeniencyKind(
    "repeated_transition", "a second transition between the same running modes", "left out"
)
REPEATED_TIMER = LeniencyKind("repeated_timer", "the same timer twice in one list", "the last one counts")
REPEATED_COMMODITY = LeniencyKind("repeated_commodity", "the same commodity twice", "taken once")
REPEATED = LeniencyKind("repeated", "a second actuator, running mode or step of the same number", "left out")
UNORDERED_BOUNDS = LeniencyKind(
    "unordered_bounds", "bounds of probability that do not enclose the value in order", "the bounds are left out"
)

UNEQUAL_PROFILES = LeniencyKind(
    "unequal_profiles", "a profile that ends before that of another commodity beside it", "taken as 0 from its end on"
)

# The schema forbids these ---------------------------------------------------------------------------------------------

PADDED = LeniencyKind("padded", "blanks around an instant, a length of time or a word", "read without them")
WORD = LeniencyKind(
    "word",
    "a listed word in other letters, as `electricity`, `Euro` or the unit `W`, and a currency by its code",
    "as it is listed",
)
SPELLING = LeniencyKind(
    "spelling",
    "a message's name in another of its spellings, as `inFlexibleMeasurement` or `inflexibleForecast`",
    "as the schema spells it",
)
HEAD_DEVICE_ID = LeniencyKind("head_device_id", "`efiDeviceId`, as the branch's head calls it", "taken as `deviceId`")
HEAD_DEVICE_DESCRIPTION = LeniencyKind(
    "head_device_description",
    "`deviceDescription` in a registration, as the branch's head has it",
    "its class, serial number and label become the registration's",
)
HEAD_STORAGE_POINTS = LeniencyKind(
    "head_storage_points",
    "running modes of one storage told point by point, as the branch's head does",
    "each point holds up to the next one; a continuous one changes linearly on the way",
)
PREFIXLESS_ATTRIBUTE = LeniencyKind(
    "prefixless_attribute", "`multiplier` or `currency` without the namespace's prefix", "taken as if it had it"
)
REPEATED_ID = LeniencyKind(
    "repeated_id", "the same id twice in one document, which XML names of type ID may not be", "taken as it stands"
)
ID_NOT_A_NAME = LeniencyKind(
    "id_not_a_name",
    "an id that begins with a digit or a sign, or holds a colon, as UUIDs and URNs do",
    "taken as it stands",
)
