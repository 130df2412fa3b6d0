"""The allocations of the joined storage that are open, and the parts of which each is made; kept over restarts."""

from collections.abc import Iterator

from efpi_app_joined_storage.joint_allocation import JointAllocation
from efpi_core.plugin.memory import InstanceStorage

_KEY = "joint "


class JointBook:
    """What is open, by its name and by the names of its parts."""

    def __init__(self, storage: InstanceStorage) -> None:
        self._storage = storage
        self._joint: dict[str, JointAllocation] = {}
        self._of_part: dict[str, tuple[JointAllocation, str]] = {}
        for key in tuple(storage):
            joint = JointAllocation.of(key.removeprefix(_KEY), storage.get(key)) if key.startswith(_KEY) else None
            if joint is not None:
                self._enter(joint)

    def __iter__(self) -> Iterator[JointAllocation]:
        """All that are open."""
        return iter(tuple(self._joint.values()))

    def __len__(self) -> int:
        """How many."""
        return len(self._joint)

    def get(self, allocation_id: str) -> JointAllocation | None:
        """The allocation of a name."""
        return self._joint.get(allocation_id)

    def of_part(self, part_id: str) -> tuple[JointAllocation, str] | None:
        """The allocation of which a member's is a part, and that member."""
        return self._of_part.get(part_id)

    def keep(self, joint: JointAllocation) -> None:
        """One is open, or a word on it came."""
        self._enter(joint)
        self._storage.put(_KEY + joint.allocation_id, {name: dict(what) for name, what in joint.kept().items()})

    def _enter(self, joint: JointAllocation) -> None:
        self._joint[joint.allocation_id] = joint
        for member, part in joint.parts.items():
            self._of_part[part] = (joint, member)

    def forget(self, joint: JointAllocation) -> None:
        """It ended."""
        self._joint.pop(joint.allocation_id, None)
        for part in joint.parts.values():
            self._of_part.pop(part, None)
        self._storage.put(_KEY + joint.allocation_id, None)

    @property
    def in_doubt(self) -> tuple[JointAllocation, ...]:
        """Those of a former life of which nobody said yet whether they stand."""
        return tuple(joint for joint in self if not joint.stands)
