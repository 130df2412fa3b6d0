"""A plugin whose operations do well, refuse, raise, answer nonsense, take too long, and end their process."""

import asyncio
import os
from typing import Any, ClassVar, cast

from efpi_core.errors import RefusedError, SettingsError, TryAgainError
from efpi_core.plugin.app import EnergyApp
from efpi_core.plugin.config import PluginConfig, setting
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.operation import (
    Done,
    Nothing,
    OperationCall,
    OperationInput,
    OperationOutput,
    SecretText,
    operation,
)
from efpi_core.plugin.plugin import Plugin


class PairInput(OperationInput):
    """What pairing needs."""

    url: str = setting(title="Address", description="Where it listens.", max_length=200)
    code: SecretText = setting(title="Pairing code")
    wait_s: int = setting(25, title="Wait", unit="s", ge=1, le=60)


class Paired(OperationOutput):
    """What came of it."""

    node: str = setting(title="Node")
    by: str = setting(title="Who asked")


class Amount(OperationInput):
    """How much of it."""

    size: int = setting(0, title="Size", ge=0)


class Operating(EnergyApp[PluginConfig]):
    """Does what it is asked, or not."""

    offer_name: ClassVar[str] = "operating.app"
    title: ClassVar[str] = "Operating"

    @operation(title="Pair", deadline_s=60)
    async def pair(self, asked: PairInput, call: OperationCall) -> Paired:
        """Pair with another node.

        The second paragraph says more.
        """
        call.tell(f"asking {asked.url}")
        await asyncio.sleep(0)
        return Paired(node=f"node at {asked.url}", by=call.by)

    @operation(title="Refuse")
    async def refuse(self, asked: PairInput, call: OperationCall) -> Done:
        """Always says no, and blabs."""
        raise RefusedError(f"the code {asked.code.get_secret_value()} is wrong", "read it again")

    @operation(title="Later")
    async def later(self, asked: Nothing, call: OperationCall) -> Done:
        """Nobody answers now."""
        raise TryAgainError("it sleeps", "wake it")

    @operation(title="Doubt")
    async def doubt(self, asked: PairInput, call: OperationCall) -> Done:
        """Doubts a field."""
        raise SettingsError("url", "that is no address", "write it as https://…")

    @operation(title="Raise")
    async def fail(self, asked: PairInput, call: OperationCall) -> Done:
        """Raises what nobody expects, with a secret in it."""
        raise ValueError(f"cannot use {asked.code.get_secret_value()}")

    @operation(title="Nonsense")
    async def nonsense(self, asked: Nothing, call: OperationCall) -> Done:
        """Answers with what it did not promise."""
        return cast(Any, {"surprise": object()})  # type: ignore[no-any-return]

    @operation(title="Much")
    async def much(self, asked: Amount, call: OperationCall) -> Paired:
        """Answers with so many characters."""
        return Paired(node="x" * asked.size, by="")

    @operation(title="Chatter")
    async def chatter(self, asked: Amount, call: OperationCall) -> Done:
        """Tells so many sentences."""
        for number in range(asked.size):
            call.tell(f"sentence {number}")
        return Done()

    @operation(title="Wait", deadline_s=30)
    async def wait(self, asked: Nothing, call: OperationCall) -> Done:
        """Waits for ever, and tells when it is cancelled."""
        try:
            call.tell("waiting")
            await asyncio.Event().wait()
        finally:
            self.context.log.warning("cancelled")
        return Done()

    @operation(title="Remember")
    async def remember(self, asked: Amount, call: OperationCall) -> Done:
        """Answers when it is on disk."""
        self.context.storage.put("size", asked.size, durable=True)
        await self.context.storage.kept()
        return Done()

    @operation(title="Die")
    async def die(self, asked: Nothing, call: OperationCall) -> Done:
        """Ends its process."""
        os._exit(3)


@hookimpl
def efpi_plugins() -> tuple[type[Plugin[PluginConfig]], ...]:
    """The one app."""
    return (Operating,)
