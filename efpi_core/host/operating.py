"""The operations of a running instance: each call is a task beside its handlers, and ends by exactly one answer."""

import asyncio
import traceback
from collections.abc import Callable
from typing import Any

from pydantic import JsonValue, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from efpi_core.errors import EfpiError, PluginFailure, RefusedError, SettingsError, TryAgainError
from efpi_core.host.call_frames import Answered, Operate, Refusal, Told
from efpi_core.host.frame_port import Emit
from efpi_core.host.frames import Failed
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.operation import LARGEST_VALUES, OperationFacts, operations_of, secrets_in
from efpi_core.plugin.plugin import Plugin

AUTHOR = "report this to the plugin's author"

MOST_TOLD = 200
"""Sentences of one call that are passed on."""

MASK = "•••"


def refusal_of(error: EfpiError) -> Refusal:
    """An error as it crosses the wire."""
    match error:
        case SettingsError():
            return Refusal("settings", error.problem.removeprefix(f"{error.path}: "), error.cure, error.path)
        case RefusedError():
            return Refusal("refused", error.problem, error.cure)
        case TryAgainError():
            return Refusal("try_again", error.problem, error.cure)
        case _:
            return Refusal("failed", error.problem, error.cure)


def refuse(emit: Emit, call: int, error: EfpiError) -> None:
    """Answer a call with an error."""
    emit(Answered(call, refusal=refusal_of(error)))


class _Call:
    """See `OperationCall`."""

    __slots__ = ("_emit", "_number", "_told", "by", "deadline_s")

    def __init__(self, frame: Operate, emit: Emit) -> None:
        self._number = frame.call
        self._emit = emit
        self._told = 0
        self.by = frame.by
        self.deadline_s = frame.deadline_s

    def tell(self, text: str) -> None:
        """Tell the caller how far it has come."""
        self._told += 1
        if self._told <= MOST_TOLD:
            self._emit(Told(self._number, text))


class Operating:
    """Runs the calls of one instance. A plugin that raises, or answers nonsense, fails its call and nothing else."""

    def __init__(self, plugin: Plugin[PluginConfig], emit: Emit) -> None:
        self._plugin = plugin
        self._emit = emit
        self._known = operations_of(type(plugin))
        self._running: dict[int, tuple[str, asyncio.Task[None]]] = {}

    def begin(self, frame: Operate) -> None:
        """Take a call; its answer follows."""
        facts = self._known.get(frame.operation)
        if facts is None:
            refuse(self._emit, frame.call, RefusedError(f"it has no operation '{frame.operation}'"))
        elif any(name == frame.operation for name, _ in self._running.values()):
            busy = TryAgainError("a call that was given up has not ended yet", "ask again in a moment")
            refuse(self._emit, frame.call, busy)
        else:
            work = self._carry_out(facts, frame)
            task = asyncio.get_running_loop().create_task(work, name=f"operation {frame.operation}")
            self._running[frame.call] = (frame.operation, task)
            task.add_done_callback(lambda _: self._running.pop(frame.call, None))

    def give_up(self, call: int) -> None:
        """Cancel a call; nobody hears its answer."""
        if call in self._running:
            self._running[call][1].cancel()

    def give_up_all(self) -> None:
        """Cancel every call: the instance ends."""
        for call in tuple(self._running):
            self.give_up(call)

    async def close(self) -> None:
        """Cancel every call, and wait until each has ended."""
        self.give_up_all()
        await asyncio.gather(*(task for _, task in self._running.values()), return_exceptions=True)

    async def _carry_out(self, facts: OperationFacts, frame: Operate) -> None:
        answer = await self._answer(facts, frame)
        self._running.pop(frame.call, None)  # whoever hears the answer may ask again at once
        self._emit(answer)

    async def _answer(self, facts: OperationFacts, frame: Operate) -> Answered:
        hidden: tuple[str, ...] = ()
        try:
            asked = _asked(facts, frame.fields)
            hidden = tuple(secrets_in(asked))
            answer = await facts.method(self._plugin, asked, _Call(frame, self._emit))
            return Answered(frame.call, output=_output(facts, answer))
        except EfpiError as error:
            return Answered(frame.call, refusal=refusal_of(error))
        except (OSError, TimeoutError) as error:
            return Answered(frame.call, refusal=refusal_of(TryAgainError(str(error) or type(error).__name__)))
        except Exception as error:  # noqa: BLE001  # whatever a plugin raises is told to its caller and to the log
            masked = _masking(hidden)
            text = masked(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
            trace = masked("".join(traceback.format_exception(error))[-4000:])
            self._emit(Failed(f"operation {facts.name}", text, AUTHOR, trace, fatal=False))
            return Answered(frame.call, refusal=refusal_of(PluginFailure(f"it failed: {text}", AUTHOR)))


def _asked(facts: OperationFacts, fields: dict[str, JsonValue]) -> Any:
    try:
        return facts.input_type.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        cure = f"see `efpi operation INSTANCE {facts.name} --help`"
        raise SettingsError(path, first["msg"].removeprefix("Value error, "), cure) from None


def _output(facts: OperationFacts, answer: Any) -> dict[str, JsonValue]:
    """The answer as JSON values; PluginFailure when it is not what the operation promised."""
    if not isinstance(answer, facts.output_type):
        wanted = facts.output_type.__name__
        raise PluginFailure(
            f"it answers with a {type(answer).__name__}, not with the {wanted} that it promises", AUTHOR
        )
    try:
        output: dict[str, JsonValue] = answer.model_dump(mode="json")
        size = len(to_json(output, inf_nan_mode="strings"))
    except (PydanticSerializationError, ValueError, UnicodeEncodeError) as error:
        raise PluginFailure(f"its answer has no JSON form: {error}", AUTHOR) from None
    if size > LARGEST_VALUES:
        raise PluginFailure(f"it answers with {size} bytes; {LARGEST_VALUES} may be", AUTHOR)
    return output


def _masking(hidden: tuple[str, ...]) -> Callable[[str], str]:
    def mask(text: str) -> str:
        for secret in sorted(hidden, key=len, reverse=True):
            text = text.replace(secret, MASK) if secret else text
        return text

    return mask
