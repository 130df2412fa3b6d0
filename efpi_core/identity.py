"""Names: of instances, of the appliances they bring, and of the messages they send."""

import itertools
import re

INSTANCE_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]{1,30}$"
"""An instance's name: a letter, then up to 30 letters, digits, `_` or `-`; valid in every wire form."""

KEY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,30}$"
"""An appliance's key within its instance; the empty key stands for an instance that is one appliance."""

RESERVED_INSTANCES = frozenset(("resident", "limit"))
"""Names under which the gateway itself speaks to appliances; an app that bore one would stand above its place."""

_KEY = re.compile(KEY_PATTERN)


def appliance_id(instance: str, key: str) -> str:
    """The gateway-wide name of the appliance that an instance brings under a key."""
    if not key:
        return instance
    if not _KEY.fullmatch(key):
        raise ValueError(f"the appliance key {key!r} is not one to 31 letters, digits, '_' or '-'")
    return f"{instance}-{key}"


class MessageIds:
    """Makes message ids that never repeat: the sender, a mark of its present life, and a count.

    In a simulation the mark is fixed, so that the same site gives the same ids.
    """

    __slots__ = ("_counter", "_prefix")

    def __init__(self, sender: str, life: str) -> None:
        self._prefix = f"{sender[:40]}_{life}_"
        self._counter = itertools.count(1)

    def __call__(self) -> str:
        """The next id."""
        return f"{self._prefix}{next(self._counter)}"
