"""Promises: open allocations whose driver, or whose gateway, began anew, until the appliance has taken them up again.

A promise waits for its appliance to come back and to tell again what the allocation rested on; then the session rules
say whether it still means something, precedence whether it may still pass, and the driver takes it up or ends it. What
does not come so far is ended here, by name: every promise ends with exactly one final status.
"""

from collections.abc import Callable, Iterable, Iterator

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.carrying_over import new_ground
from efi.messages import AnyAllocation
from efpi_core.clock import Clock
from efpi_core.gateway.appliances import ApplianceRecord, ApplianceRegistry, OpenAllocation
from efpi_core.gateway.exchange import Exchange
from efpi_core.host.frames import Standing, ToInstance

RETURN_S = 600.0
"""An appliance that is not back after this does not keep its promises any more."""

DESCRIBE_S = 30.0
"""So long after its return an appliance may take to tell what its promises rested on."""

SHAKY_S = 60.0
"""A driver that crashes so soon after it took a promise up may have crashed of it, and is not given it again."""


class Promises:
    """What stands of former lives, by appliance."""

    def __init__(
        self,
        clock: Clock,
        appliances: ApplianceRegistry,
        exchange: Exchange,
        new_id: Callable[[], str],
        send: Callable[[str, ToInstance], None],
    ) -> None:
        self._clock = clock
        self._appliances = appliances
        self._exchange = exchange
        self._new_id = new_id
        self._send = send
        self._waiting: dict[str, list[OpenAllocation]] = {}
        self.on_taken_up: Callable[[ApplianceRecord, OpenAllocation], None] = lambda record, held: None
        """Called with a promise that was taken up."""
        exchange.on_revoke = self._revoked

    def __iter__(self) -> Iterator[OpenAllocation]:
        """All that wait."""
        return (held for waiting in self._waiting.values() for held in waiting)

    def of_instance(self, instance: str) -> tuple[str, ...]:
        """The appliances of an instance, as they are named, of which promises wait."""
        return tuple(name for name in self._waiting if name == instance or name.startswith(f"{instance}-"))

    def waits_for(self, appliance_id: str) -> bool:
        """Whether an appliance has promises that it has not taken up."""
        return appliance_id in self._waiting

    # --- where they come from

    def keep(self, promises: Iterable[OpenAllocation]) -> None:
        """Allocations of the gateway's former life, oldest first."""
        for held in promises:
            self._waiting.setdefault(held.allocation.appliance_id, []).append(held)
        for appliance_id in self._waiting:
            self._expect(appliance_id)

    def suspend(self, record: ApplianceRecord, reason: str) -> None:
        """The driver of an appliance crashed, and comes back: what it had accepted waits for it."""
        for name in tuple(record.session.allocations):
            held = record.allocations.get(name)
            if held is None or held.status is None or self._crashed_of(held):
                continue  # it is closed with the control space
            del record.session.allocations[name]
            self._waiting.setdefault(record.appliance_id, []).append(held)
        if record.appliance_id in self._waiting:
            self._expect(record.appliance_id)

    def _crashed_of(self, held: OpenAllocation) -> bool:
        return held.taken_up_at_s is not None and self._clock.elapsed() - held.taken_up_at_s < SHAKY_S

    def _expect(self, appliance_id: str) -> None:
        waiting = self._waiting[appliance_id]
        self._clock.call_later(
            RETURN_S, lambda: self._give_up(appliance_id, waiting, "the appliance did not come back")
        )

    # --- what becomes of them

    def came(self, record: ApplianceRecord) -> None:
        """An appliance is back; its promises wait until it has told what they rest on."""
        waiting = self._waiting.get(record.appliance_id)
        if waiting is None:
            return
        record.resuming = True
        for held in waiting:
            record.allocations[held.allocation.message_id] = held
        self._clock.call_later(
            DESCRIBE_S,
            lambda: self._give_up(
                record.appliance_id, waiting, "the appliance came back and did not tell any more what it rested on"
            ),
        )

    def told(self, record: ApplianceRecord) -> None:
        """An appliance told something: take up the promises that have their ground again."""
        now = self._clock.now()
        for held in tuple(self._waiting.get(record.appliance_id, ())):
            if new_ground(record.session.space, held.allocation, now) is not None:
                self._drop(record.appliance_id, held)
                self._take_up(record, held)

    def _take_up(self, record: ApplianceRecord, held: OpenAllocation) -> None:
        now, allocation = self._clock.now(), held.allocation
        objection = self._exchange.objection(record, allocation, held.holder)
        if objection is None and (refusal := record.session.take_up(allocation, held.status, now)) is not None:
            objection = refusal.sentence
        if objection is not None:
            self._end(record.appliance_id, held, AllocationStatus.ABORTED, f"not taken up again: {objection}")
            return
        standing = record.session.allocations[allocation.message_id].allocation
        held.taken_up_at_s = self._clock.elapsed()
        frame = self.frame(record, held, standing)
        self._send(record.instance, frame)
        if record.app == held.holder:
            self._send(held.holder, frame)
        self.on_taken_up(record, held)

    def frame(self, record: ApplianceRecord, held: OpenAllocation, standing: AnyAllocation) -> Standing:
        """What driver and giver are told of an allocation that stands."""
        word = None
        if held.status is not None:
            word = AllocationStatusUpdate(
                message_id=self._new_id(),
                appliance_id=record.appliance_id,
                timestamp=held.changed_at,
                allocation_id=standing.message_id,
                status=held.status,
                text=held.text,
            )
        return Standing(record.appliance_id, standing, word)

    def _revoked(self, record: ApplianceRecord, message: AllocationRevoke) -> None:
        """Whoever gave them takes promises back that still wait."""
        for held in tuple(self._waiting.get(record.appliance_id, ())):
            if message.allocation_id in (None, held.allocation.message_id):
                self._drop(record.appliance_id, held)
                self._end(record.appliance_id, held, AllocationStatus.REVOKED, message.reason)

    def release(self, appliance_id: str, reason: str, giver: str | None = None) -> None:
        """The appliance, or whoever gave them, is gone for good: what waits ends, all of it or one giver's."""
        for held in tuple(self._waiting.get(appliance_id, ())):
            if giver in (None, held.holder):
                self._drop(appliance_id, held)
                self._end(appliance_id, held, AllocationStatus.ABORTED, f"not taken up again: {reason}")

    def _give_up(self, appliance_id: str, waiting: list[OpenAllocation], reason: str) -> None:
        if self._waiting.get(appliance_id) is waiting:
            self.release(appliance_id, reason)

    def _drop(self, appliance_id: str, held: OpenAllocation) -> None:
        waiting = self._waiting[appliance_id]
        waiting.remove(held)
        if not waiting:
            del self._waiting[appliance_id]

    def end(self, held: OpenAllocation, reason: str) -> None:
        """End an allocation of the gateway's former life that nobody answers for any more."""
        self._end(held.allocation.appliance_id, held, AllocationStatus.ABORTED, reason)

    def _end(self, appliance_id: str, held: OpenAllocation, status: AllocationStatus, reason: str) -> None:
        """The final word; of one that was never accepted it can only be that it is rejected."""
        now = self._clock.now()
        word = AllocationStatusUpdate(
            message_id=self._new_id(),
            appliance_id=appliance_id,
            timestamp=now,
            allocation_id=held.allocation.message_id,
            status=AllocationStatus.REJECTED if held.status is None else status,
            text=reason[:2000],
        )
        self._exchange.close(self._appliances.get(appliance_id), held, word)
