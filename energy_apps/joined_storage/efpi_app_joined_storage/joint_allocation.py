"""An allocation of the joined storage while its members carry out their parts."""

from collections.abc import Mapping

from efi.allocation import AllocationStatus

_BY_PROGRESS = (
    AllocationStatus.ACCEPTED,
    AllocationStatus.PROCESSING,
    AllocationStatus.STARTED,
    AllocationStatus.FINISHED,
)


class JointAllocation:
    """Sums up the words of the members: as slow as the slowest, refused when one refuses."""

    def __init__(self, allocation_id: str, parts: Mapping[str, str], *, stands: bool = True) -> None:
        self.allocation_id = allocation_id
        self.parts = dict(parts)
        """The members' allocations, by member."""
        self.told: AllocationStatus | None = None
        """The last word to the app."""
        self.stands = stands
        """Whether it is known to be open; of one of a former life not before that is said."""
        self.heard: set[str] = set()
        """The members that said a word on their parts in this life."""
        self._statuses: dict[str, AllocationStatus] = {}

    def take(self, member: str, status: AllocationStatus) -> AllocationStatus | None:
        """Take a member's word; returns the word for the app, None when there is nothing new to say."""
        self.heard.add(member)
        self._statuses[member] = status
        return self.news() if self.stands else None

    def news(self) -> AllocationStatus | None:
        """The word for the app that follows from the members'; None when there is nothing new to say."""
        summed_up = self._sum()
        if summed_up is None or summed_up is self.told or not summed_up.may_follow(self.told):
            return None
        self.told = summed_up
        return summed_up

    @property
    def silent(self) -> tuple[str, ...]:
        """The members that said nothing in this life."""
        return tuple(member for member in self.parts if member not in self.heard)

    def _sum(self) -> AllocationStatus | None:
        words = [self._statuses.get(member) for member in self.parts]
        for bad in (AllocationStatus.REJECTED, AllocationStatus.ABORTED, AllocationStatus.REVOKED):
            if bad in words:
                if self.told is None:
                    return AllocationStatus.REJECTED
                return AllocationStatus.ABORTED if bad is AllocationStatus.REJECTED else bad
        if None in words:
            return None
        return min((word for word in words if word is not None), key=_BY_PROGRESS.index)

    @property
    def failed(self) -> bool:
        """Whether a member will not do its part, so that the others must not do theirs."""
        return self.told in (AllocationStatus.REJECTED, AllocationStatus.ABORTED)

    def kept(self) -> dict[str, dict[str, str]]:
        """As the app keeps it beyond its process."""
        return {"parts": self.parts, "words": {member: word.value for member, word in self._statuses.items()}}

    @classmethod
    def of(cls, allocation_id: str, kept: object) -> "JointAllocation | None":
        """What `kept` gave in a former life; None for something else."""
        match kept:
            case {"parts": dict(parts), "words": dict(words)}:
                joint = cls(allocation_id, {str(member): str(part) for member, part in parts.items()}, stands=False)
                known = {word.value: word for word in AllocationStatus}
                joint._statuses = {str(member): known[word] for member, word in words.items() if word in known}
                return joint
        return None
