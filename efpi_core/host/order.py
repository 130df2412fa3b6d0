"""What a new process must know to become a hosted instance, before it has read a frame."""

import json
from dataclasses import asdict, dataclass

EXIT_OK = 0
EXIT_FAILED = 1
"""The plugin raised, or the watchdog ended a process that did not turn its event loop."""
EXIT_FLOODED = 69
"""The gateway did not take what the instance sent, and more could not wait."""
EXIT_BROKEN_WIRE = 70
"""The gateway's frames were not understood."""

PATIENCE_S = 10.0
"""How long an instance's event loop may stand still."""

ORPHAN_STOP_S = 3.0
"""How long an instance whose gateway is gone may take for its safe states and its end."""

ORPHAN_GRACE_S = ORPHAN_STOP_S + 1.0
"""When the forkserver ends what is left after the gateway is gone."""


NICE = 2
"""How much lower than the gateway's the priority of an instance is."""


@dataclass(frozen=True, slots=True)
class ChildOrder:
    """Which plugin to run, and how long its process may be mute."""

    name: str
    """The instance's name, for the process list."""
    module: str
    """The module that hands over the plugin's classes."""
    patience_s: float = PATIENCE_S
    """A watchdog in the process ends it when its event loop stands still for nearly as long."""
    nice: int = NICE
    """How much lower than the gateway's its priority is."""
    memory_mb: int = 256
    """What it may take of memory; what it wants at once beyond twice that is refused by the kernel."""

    cgroup: str = ""
    """The file by which it enters its control group; empty where it has none."""

    def to_json(self) -> str:
        """As text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> "ChildOrder":
        """From text."""
        return cls(**json.loads(text))
