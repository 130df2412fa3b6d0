"""Routes that a part of the platform adds to the gateway's HTTP interface, and who may use them."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

AsgiMap = MutableMapping[str, Any]
"""A scope or an event of ASGI; `Any`, since its values are whatever the server put there."""

AsgiApp = Callable[
    [AsgiMap, Callable[[], Awaitable[AsgiMap]], Callable[[AsgiMap], Awaitable[None]]],
    Awaitable[None],
]
"""An application of ASGI 3: called with scope, receive and send."""


class Role(IntEnum):
    """What a caller may do; a higher role may do all that a lower one may."""

    VIEWER = 1
    """See how the house is doing."""
    OWNER = 2
    """Change it."""


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """One path of the interface. A method that changes something asks for the owner, whatever the route's role."""

    path: str
    """As `/api/limits/{limit}`; with `mount`, the prefix of all that the application serves."""
    app: AsgiApp
    role: Role
    """The least role that a caller must have."""
    methods: tuple[str, ...] = ("GET",)
    """The methods that it answers; a mounted application sees to that itself."""
    mount: bool = False
