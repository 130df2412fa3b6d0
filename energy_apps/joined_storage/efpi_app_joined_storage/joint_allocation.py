"""An allocation of the joined storage while its members carry out their parts."""

from efi.allocation import AllocationStatus


class JointAllocation:
    """Sums up the words of the members: as slow as the slowest, refused when one refuses."""

    def __init__(self, allocation_id: str, parts: dict[str, str]) -> None:
        self.allocation_id = allocation_id
        self.parts = parts
        """The members' allocations, by member."""
        self.told: AllocationStatus | None = None
        """The last word to the app."""
        self._statuses: dict[str, AllocationStatus] = {}

    def take(self, member: str, status: AllocationStatus) -> AllocationStatus | None:
        """Take a member's word; returns the word for the app, None when there is nothing new to say."""
        self._statuses[member] = status
        summed_up = self._sum()
        if summed_up is None or summed_up is self.told or not summed_up.may_follow(self.told):
            return None
        self.told = summed_up
        return summed_up

    def _sum(self) -> AllocationStatus | None:
        words = [self._statuses.get(member) for member in self.parts]
        for bad in (AllocationStatus.REJECTED, AllocationStatus.ABORTED, AllocationStatus.REVOKED):
            if bad in words:
                if self.told is None:
                    return AllocationStatus.REJECTED
                return AllocationStatus.ABORTED if bad is AllocationStatus.REJECTED else bad
        if None in words:
            return None
        order = (
            AllocationStatus.ACCEPTED,
            AllocationStatus.PROCESSING,
            AllocationStatus.STARTED,
            AllocationStatus.FINISHED,
        )
        return min((word for word in words if word is not None), key=order.index)

    @property
    def failed(self) -> bool:
        """Whether a member will not do its part, so that the others must not do theirs."""
        return self.told in (AllocationStatus.REJECTED, AllocationStatus.ABORTED)
