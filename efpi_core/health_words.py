"""The words of health: few states, and a detail code for each way in which a part of the gateway is not well.

`/api/health`, `efpi doctor`, the page and `/metrics` use these and no others; docs/health.md shows them. A plugin has
detail codes of its own for its devices.
"""

import re

STATES: dict[str, str] = {
    "ok": "Works.",
    "starting": "Begins; it is no fault yet.",
    "degraded": "Works in part, or not as safely as it should.",
    "offline": "Out of reach or not running; where it can, it is tried again.",
    "misconfigured": "Cannot work with these settings; a person has to change them.",
}
"""How a part, an instance or an appliance is doing; the gateway as a whole is `starting`, `ok` or `degraded`."""

DETAILS: dict[str, str] = {
    # what is kept
    "disk_full": "The disk has no room left; the gateway goes on in memory.",
    "disk_low": "The disk has little room left.",
    "read_only": "The file system is mounted read-only.",
    "no_rights": "The gateway's user may not write there, or may not open a device.",
    "no_directory": "The home is no directory.",
    "locked": "Another program holds the file.",
    "not_answering": "The disk or the gateway does not answer.",
    "damaged": "A file is damaged.",
    "set_aside": "A damaged file was set aside, and what could be read was saved.",
    "newer": "A newer version wrote it.",
    "not_kept": "It cannot be written, for another reason.",
    # the way in
    "port_in_use": "Another program listens at the port.",
    "not_reachable": "It cannot be opened, for another reason.",
    # the site and its secrets
    "refused": "The site document is wrong, and the one before is in force.",
    "secrets_loose": "Others may read the secrets.",
    "secrets_unreadable": "The secrets cannot be read.",
    "secret_missing": "The site names a secret that nobody gave.",
    # plugins and instances
    "backing_off": "It failed and is started again.",
    "quarantined": "It failed too often; a person must release it.",
    "missing": "The plugin is not installed, or cannot be used.",
    "floods": "It sends more than its share, and is read at its share.",
    "cpu_over_budget": "It takes more of the processor than its budget, and comes after the others.",
    "unusable": "An installed plugin cannot be used.",
    "out_of_reach": "The appliance does not answer.",
    "nonsense": "The appliance said what cannot be: a message against the rules, or an impossible power.",
    "other": "A plugin told a detail that is no code.",
    # the machine
    "overloaded": "The machine does not give the gateway the time it needs; polls come later.",
    "clock_not_set": "The clock was never set.",
    "clock_not_kept": "No time server keeps the clock.",
    "clock_jumped": "The clock was set while the gateway ran.",
    "in_use": "Another gateway lives in this home.",
    "ended_badly": "The gateway did not end in order the last time.",
    "versions_differ": "The running gateway and the installed version are not the same.",
    "no_fallback": "A device keeps its last setting when the gateway goes.",
    "not_running": "No gateway runs in this home.",
    "none": "There is none, which may be meant.",
}
"""Detail codes of the platform's own parts."""

_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


def detail_code(text: str) -> str:
    """A detail that a plugin told, or `other` for one that is no code; nothing stays nothing."""
    return text if not text or _CODE.fullmatch(text) else "other"
