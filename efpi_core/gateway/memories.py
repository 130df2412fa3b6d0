"""What instances keep beyond their processes: whose each memory is, and when one that nobody needs is forgotten.

A memory belongs to the instance's name and its offer. So another driver under that name begins with nothing, and one
that comes back by a rollback finds its own again, until it has been out of the site for thirty days.
"""

from datetime import timedelta

from pydantic import JsonValue

from efpi_core.clock import Clock
from efpi_core.errors import RefusedError
from efpi_core.event_kinds import MEMORY_FORGOTTEN
from efpi_core.gateway.deadlines import Deadlines
from efpi_core.gateway.event_log import EventLog
from efpi_core.site.document import Site
from efpi_core.site.expand import InstanceSpec, all_instances
from efpi_core.state.state import State

KEPT = timedelta(days=30)
"""So long a memory is kept of what is not in the site."""


class Memories:
    """The memories of all instances, those that are gone included."""

    def __init__(self, state: State, clock: Clock, deadlines: Deadlines, events: EventLog) -> None:
        self._state = state
        self._clock = clock
        self._deadlines = deadlines
        self._events = events
        self._owners: dict[str, str] = {}
        """Who keeps what an instance wants to keep, by its present life."""

    def settle(self, site: Site) -> None:
        """A site is in force: what it names is kept, what it does not name has its time, and goes when that is over."""
        named = {name for spec, _ in all_instances(site) for name in (spec.instance, owner_of(spec))}
        now = self._clock.now()
        for owner in self._state.memory_owners():
            ends = self._deadlines.at(_deadline(owner))
            if ends is not None and ends <= now:
                self._forget(owner, f"it was not in the site for {KEPT.days} days")
            elif owner in named:
                self._deadlines.forget(_deadline(owner))
            elif ends is None:
                self._deadlines.begin(_deadline(owner), now + KEPT, span=True)

    def begin(self, spec: InstanceSpec) -> dict[str, JsonValue]:
        """An instance begins a life: what its memory holds; from here on it is what it adds to."""
        owner = self._owners[spec.instance] = owner_of(spec)
        values = self._state.instance_values(owner)
        if not values and (values := self._state.instance_values(spec.instance)):
            self._state.hand_over_memory(spec.instance, owner)  # an older efpi kept it under the instance's name alone
        return values

    def put(self, instance: str, key: str, value: JsonValue, *, durable: bool = False) -> None:
        """Keep a value for an instance that lives; None forgets it."""
        self._state.put_instance_value(self._owners.get(instance, instance), key, value, durable=durable)

    def forget(self, instance: str, by: str) -> None:
        """Somebody wants the memory of an instance gone that is not in the site. Raises RefusedError without one."""
        owners = [owner for owner in self._state.memory_owners() if _instance(owner) == instance]
        if not owners:
            known = ", ".join(sorted({_instance(owner) for owner in self._state.memory_owners()})) or "none"
            raise RefusedError(f"nothing is kept of '{instance}'", f"something is kept of: {known}")
        for owner in owners:
            self._forget(owner, f"{by} wanted it so")

    def _forget(self, owner: str, why: str) -> None:
        self._state.forget_instance(owner)
        self._deadlines.forget(_deadline(owner))
        self._events.tell(MEMORY_FORGOTTEN, _instance(owner), f"what it kept is forgotten: {why}")


def owner_of(spec: InstanceSpec) -> str:
    """Whose a memory is: names have no spaces."""
    return f"{spec.instance} {spec.offer}"


def _instance(owner: str) -> str:
    return owner.partition(" ")[0]


def _deadline(owner: str) -> str:
    return f"memory:{owner}"
