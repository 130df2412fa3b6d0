"""The host of one plugin instance as its owner sees it, whether the plugin runs inside the gateway or in a process."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from efpi_core.host.frames import FromInstance, Start, ToInstance
from efpi_core.host.offer import Offer, PluginDescription


class End(StrEnum):
    """How the life of a hosted instance ended."""

    STOPPED = "stopped"
    """It answered `Stop` with `Stopped` and was gone within its deadline."""
    FAILED = "failed"
    """Its plugin raised, and a `Failed` frame said so before."""
    CRASHED = "crashed"
    """It was gone without a word."""
    KILLED = "killed"
    """Its owner ended it, or it was not gone within the deadline of `stop`."""
    FLOODED = "flooded"
    """It did not take, or did not cease to send, what may neither be merged nor dropped."""
    BROKE_RULES = "broke_rules"
    """It sent what is not a frame, or none in time."""
    NOT_LAUNCHED = "not_launched"
    """No process could be made."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a hosted instance; told only when it is certain that nothing of it runs any more."""

    how: End
    text: str
    """In words, as "ended by signal 9 (SIGKILL)"."""
    cure: str = ""


BUDGET_CURE = "report it to the plugin's author, with `efpi diagnostics`, or give it a larger `budget` in the site"
"""What helps against an end for the memory or the CPU time that an instance took."""


class HostListener(Protocol):
    """Whoever owns a host. Its methods are called from the event loop, never from within a call of the host."""

    def frame(self, host: "InstanceHost", frame: FromInstance) -> None:
        """The instance sent a frame."""

    def output(self, host: "InstanceHost", line: str) -> None:
        """The instance printed a line; hostile text."""

    def ended(self, host: "InstanceHost", ending: Ending) -> None:
        """The instance has ended; the last call for this host."""


class InstanceHost(Protocol):
    """Runs one life of one instance: launched once, ended once. No call waits, and none raises for what a plugin does.

    After `launch`, frames and in the end exactly one `ended` come to the listener, whatever happens.
    """

    @property
    def instance(self) -> str:
        """The instance's name."""

    @property
    def alive(self) -> bool:
        """Whether it was launched and has not ended."""

    @property
    def pid(self) -> int | None:
        """The process it runs in; None while there is none, and always for one that runs inside the gateway."""

    @property
    def bounded_by(self) -> str:
        """What keeps its memory within bounds, beside those who look; empty inside the gateway."""

    @property
    def sent(self) -> int:
        """How many frames the instance will have taken in, `Start` not counted, when it has read all that was sent."""

    @property
    def shed(self) -> int:
        """How many states and values for the instance a newer one replaced while they waited to be sent."""

    @property
    def pressed(self) -> bool:
        """Whether the instance floods: it has sent more than its share for long, and is read at its share."""

    def launch(self, start: Start) -> None:
        """Begin."""

    def send(self, frame: ToInstance) -> None:
        """Send a frame; after the end it is dropped."""

    def stop(self, deadline_s: float, reason: str) -> None:
        """End in order: `Stop` first, death when it is not over within the deadline."""

    def kill(self, reason: str, how: End = End.KILLED) -> None:
        """End at once; the listener hears `ended` with this reason."""


class HostFactory(Protocol):
    """Makes the host for one life of an instance."""

    def __call__(
        self, instance: str, plugin: PluginDescription, offer: Offer, listener: HostListener, *, hosted: bool
    ) -> InstanceHost:
        """A host, not launched yet, in a process of its own when `hosted`; PluginFailure when it cannot be made."""

    async def close(self) -> None:
        """Make no more hosts, and end what only helped to make them; for when all hosts have ended."""
