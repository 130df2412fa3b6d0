"""The supervisor: it keeps all instances of a site running, each in a life of its own."""

import asyncio
from collections.abc import Callable, Sequence

from efpi_core.clock import Clock
from efpi_core.gateway.habits import DEFAULT, Habits
from efpi_core.gateway.instances import InstancePlan, InstancesListener
from efpi_core.gateway.last_words import Trouble
from efpi_core.gateway.supervised import Supervised
from efpi_core.host.frames import ToInstance
from efpi_core.host.host import HostFactory
from efpi_core.host.offer import Offer
from efpi_core.views import InstanceView

KILL_AFTER = 0.85
"""The part of a deadline for the end of all that is left to order; then whoever is left is killed."""


class Supervisor:
    """See `Instances`. A failing plugin is caught here, named, and restarted with a delay."""

    def __init__(
        self,
        hosts: HostFactory,
        listener: InstancesListener,
        clock: Clock,
        habits: Habits = DEFAULT,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._hosts = hosts
        self._listener = listener
        self._clock = clock
        self._habits = habits
        self._redact = redact
        self._instances: dict[str, Supervised] = {}
        self._changing = asyncio.Lock()

    def send(self, instance: str, frame: ToInstance) -> None:
        """Hand a frame to an instance; dropped when it does not run."""
        supervised = self._instances.get(instance)
        if supervised is not None:
            supervised.send(frame)

    def views(self) -> tuple[InstanceView, ...]:
        """All instances in the order of the site."""
        return tuple(supervised.view() for supervised in self._instances.values())

    def offer(self, instance: str) -> Offer | None:
        """What an instance is one of; None when its plugin is not there."""
        supervised = self._instances.get(instance)
        return None if supervised is None else supervised.plan.offer

    def trouble(self, instance: str) -> Trouble | None:
        """What is known of the latest failure of an instance."""
        supervised = self._instances.get(instance)
        return None if supervised is None else supervised.trouble

    async def change(self, plans: Sequence[InstancePlan], changed: frozenset[str]) -> None:
        """Run exactly these; stop those that are gone, restart those named in `changed`, leave the rest alone."""
        async with self._changing:
            wanted = {plan.spec.instance: plan for plan in plans}
            gone = [old for name, old in self._instances.items() if name not in wanted]
            before = self._instances
            self._instances = {name: before.get(name) or self._make(plan) for name, plan in wanted.items()}
            fresh = [self._instances[name] for name, plan in wanted.items() if name not in before]
            stale = [old for name, old in before.items() if name in wanted and _is_stale(old, wanted[name], changed)]
            for name, plan in wanted.items():
                self._instances[name].plan = plan
            stopping = [old.stop(self._habits.stop_s, "no longer in the site") for old in gone]
            stopping += [old.stop(self._habits.stop_s, "the site changed") for old in stale]
            await asyncio.gather(*stopping)
            for supervised in stale:
                supervised.begin_again()
            for supervised in fresh:  # last, since they may want a device that another one has just left
                supervised.start()

    def _make(self, plan: InstancePlan) -> Supervised:
        return Supervised(plan, self._hosts, self._listener, self._clock, self._habits, self._redact)

    def condemn(self, instance: str, reason: str, cure: str) -> None:
        """End an instance that does harm, as if it had crashed: at once, and begin it anew after a pause."""
        supervised = self._instances.get(instance)
        if supervised is not None:
            supervised.kill(reason, cure)

    async def restart(self, instance: str) -> None:
        """End an instance and start it again; out of quarantine, too."""
        async with self._changing:
            supervised = self._instances.get(instance)
            if supervised is not None:
                await supervised.stop(self._habits.stop_s, "restarted by hand")
                supervised.begin_again()

    def left_in_disorder(self) -> tuple[str, ...]:
        """Those whose last life did not end in order, so that their devices may be anywhere."""
        return tuple(name for name, supervised in self._instances.items() if supervised.left_disorder)

    async def stop(self, deadline_s: float) -> None:
        """End all in order, within the deadline, and for good; a change under way begins nothing new."""
        in_order_s = deadline_s * KILL_AFTER
        for supervised in self._instances.values():
            supervised.closed = True
        await asyncio.gather(*(each.stop(in_order_s, "the gateway ends") for each in self._instances.values()))
        await self._hosts.close()


def _is_stale(present: Supervised, plan: InstancePlan, changed: frozenset[str]) -> bool:
    """Whether an instance must begin anew: it changed, or its plugin came or went."""
    found = (present.plan.plugin is None, present.plan.pending) != (plan.plugin is None, plan.pending)
    return present.name in changed or found
