"""The door of the server: which token belongs to which device, and what is said to whoever has none."""

from collections.abc import Callable
from http import HTTPStatus

from efpi_core.plugin.condition import ConditionState
from efpi_core.s2.bearer import BearerTokens
from efpi_core.s2.gate import Admitted, Knock, TurnedAway
from efpi_driver_s2.config import ListenConfig
from efpi_driver_s2.health import InstanceHealth, Trouble

TokenHolder = Callable[[str], str | None]
"""Whose token it is; None when it is nobody's."""


class Door:
    """Lets devices in by their tokens."""

    def __init__(self, listen: ListenConfig, tokens: BearerTokens, health: InstanceHealth) -> None:
        self._listen = listen
        self._health = health
        self.holders: list[TokenHolder] = [tokens.holder]
        """Where it is looked up whose a token is; those who come to know devices by other ways add theirs."""

    def admit(self, knock: Knock) -> Admitted | TurnedAway:
        """Let somebody in, or say why not."""
        if knock.path.rstrip("/") != self._listen.path.rstrip("/"):
            return TurnedAway(HTTPStatus.NOT_FOUND, f"S2 is spoken at {self._listen.path}")
        names = [holder(knock.token) for holder in self.holders] if knock.token is not None else []
        name = next((name for name in names if name is not None), None)
        if name is not None:
            return Admitted(name)
        if self._listen.without_token:
            return Admitted("")
        shown = "no token" if knock.token is None else "a token that is nobody's"
        self._health.passing(
            f"refused {knock.address}",
            Trouble(
                ConditionState.DEGRADED, "refused_token", f"a device at {knock.address} shows {shown}",
                "give the device the token of its entry in `devices`, as `efpi site secret set` keeps it",
            ),
        )  # fmt: skip
        return TurnedAway(HTTPStatus.UNAUTHORIZED, "a bearer token of this gateway is needed")
