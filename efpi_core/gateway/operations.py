"""Operations that people ask of running instances: passed on, waited for, journalled; what comes back is hostile."""

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from efpi_core.clock import Clock
from efpi_core.errors import EfpiError, PluginFailure, RefusedError, SettingsError, TryAgainError
from efpi_core.event_kinds import OPERATION_CALLED, OPERATION_FAILED
from efpi_core.gateway.doorway import sentence
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.planning import secret_names
from efpi_core.host.call_frames import Answered, GiveUp, Operate, Refusal, Told
from efpi_core.host.frames import ToInstance
from efpi_core.host.offer import Offer
from efpi_core.plugin.operation import LARGEST_VALUES
from efpi_core.site.redaction import MASK, Redactor, redact_settings
from efpi_core.views import InstanceState, InstanceView, OperationView

MOST_CALLS = 16
"""Calls under way in the whole house; each belongs to a person who waits."""

MOST_LINES = 200
"""Sentences of one call that its caller is told."""

LONGEST_LINE = 300
"""Characters of what was asked, in the journal."""

Progress = Callable[[str], None]
"""Hears how far a call has come, a sentence each time."""


@dataclass(slots=True)
class _Pending:
    """A call that waits for its answer."""

    instance: str
    operation: str
    answer: asyncio.Future[Answered]
    progress: Progress | None
    lines: int = 0


class OperationDesk:
    """Takes people's calls to the instances. One call of an operation at a time, each with a deadline."""

    def __init__(self, clock: Clock, events: EventLog, send: Callable[[str, ToInstance], None]) -> None:
        self._clock = clock
        self._events = events
        self._send = send
        self._numbers = itertools.count(1)
        self._pending: dict[int, _Pending] = {}

    async def call(
        self,
        view: InstanceView,
        offered: OperationView,
        fields: Mapping[str, JsonValue],
        by: str,
        deadline_s: float | None,
        progress: Progress | None,
    ) -> dict[str, JsonValue]:
        """The output of a call. Raises what the plugin said of it, or why it did not come to that."""
        given = dict(fields)
        self._look(view, offered, given)
        redactor = Redactor(secret_names(given, offered.input_schema))
        told = _in_words(given, offered)
        self._events.tell(OPERATION_CALLED, view.instance, f"{by} asked for '{offered.name}'{told}")
        try:
            return await self._answer(view.instance, offered, given, by, deadline_s, progress)
        except EfpiError as error:
            text = redactor.text(f"'{offered.name}', which {by} asked for, came to nothing: {error.problem}")
            self._events.tell(OPERATION_FAILED, view.instance, text, redactor.text(error.cure))
            raise

    def _look(self, view: InstanceView, offered: OperationView, given: dict[str, JsonValue]) -> None:
        """Whether the call can be made now."""
        if view.state is not InstanceState.RUNNING:
            error = RefusedError if view.state is InstanceState.QUARANTINED else TryAgainError
            raise error(f"'{view.instance}' does not run: {view.text or view.state}", view.cure or "see `efpi doctor`")
        _require_plain(given)
        if len(self._pending) >= MOST_CALLS:
            raise TryAgainError(f"{MOST_CALLS} operations are under way", "wait until one has ended")
        if any((each.instance, each.operation) == (view.instance, offered.name) for each in self._pending.values()):
            raise RefusedError(
                f"'{offered.name}' of '{view.instance}' is under way, for somebody else", "wait until it has ended"
            )

    async def _answer(
        self,
        instance: str,
        offered: OperationView,
        given: dict[str, JsonValue],
        by: str,
        deadline_s: float | None,
        progress: Progress | None,
    ) -> dict[str, JsonValue]:
        within_s = min(deadline_s or offered.deadline_s, offered.deadline_s)
        number = next(self._numbers)
        pending = _Pending(instance, offered.name, asyncio.get_running_loop().create_future(), progress)
        self._pending[number] = pending
        self._send(instance, Operate(number, offered.name, given, by, within_s))
        answered = False
        try:
            async with self._clock.timeout(within_s):
                answer = await pending.answer
            answered = True
            return _output(answer)
        except TimeoutError:
            raise TryAgainError(
                f"'{offered.name}' of '{instance}' did not end within {within_s:g} s",
                "look at the device, and ask again",
            ) from None
        finally:
            del self._pending[number]
            if not answered:  # the deadline has passed, or the caller has left
                self._send(instance, GiveUp(number))

    # --- what the instances say

    def told(self, instance: str, frame: Told) -> None:
        """How far a call has come."""
        pending = self._pending.get(frame.call)
        if pending is None or pending.instance != instance or pending.progress is None:
            return
        pending.lines += 1
        if pending.lines <= MOST_LINES:
            pending.progress(sentence(frame.text))

    def answered(self, instance: str, frame: Answered) -> None:
        """What came of a call; an answer that nobody waits for any more means nothing."""
        pending = self._pending.get(frame.call)
        if pending is not None and pending.instance == instance and not pending.answer.done():
            pending.answer.set_result(frame)

    def instance_ended(self, instance: str, reason: str) -> None:
        """An instance is away: its calls come to nothing."""
        for number, pending in self._pending.items():
            if pending.instance == instance and not pending.answer.done():
                gone = Refusal("try_again", f"the instance ended meanwhile: {reason}", "ask again when it runs")
                pending.answer.set_result(Answered(number, refusal=gone))


def operation_views(offer: Offer | None) -> tuple[OperationView, ...]:
    """What an offer's instances can be asked for."""
    return tuple(
        OperationView(each.name, each.title, each.description, each.deadline_s, each.input_schema, each.output_schema)
        for each in (offer.operations if offer is not None else ())
    )


def _require_plain(given: dict[str, JsonValue]) -> None:
    """Refuse what would be no frame: it would end the instance for what its caller did."""
    try:
        size = len(json.dumps(given, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, TypeError, RecursionError) as error:
        raise SettingsError("", f"what is given has no JSON form: {error}", "correct it") from None
    if size > LARGEST_VALUES:
        raise SettingsError("", f"{size} bytes are given; {LARGEST_VALUES} may be", "give less")


def _output(answer: Answered) -> dict[str, JsonValue]:
    """The output of an answer; what a plugin's process sends may be anything that is JSON."""
    refusal, output = answer.refusal, answer.output
    if refusal is not None:
        raise _error(refusal)
    author = "report this to the plugin's author"
    if output is None:
        raise PluginFailure("it answers nothing", author)
    try:
        size = len(json.dumps(output, allow_nan=False))
    except (ValueError, TypeError, RecursionError) as error:
        raise PluginFailure(f"it answers with what has no JSON form: {error}", author) from None
    if size > LARGEST_VALUES:
        raise PluginFailure(f"it answers with {size} bytes; {LARGEST_VALUES} may be", author)
    return output


def _error(refusal: Refusal) -> EfpiError:
    problem, cure = sentence(refusal.problem), sentence(refusal.cure)
    match refusal.error:
        case "settings":
            return SettingsError(sentence(refusal.path)[:200], problem, cure)
        case "refused":
            return RefusedError(problem, cure)
        case "try_again":
            return TryAgainError(problem, cure)
        case "failed":
            return PluginFailure(problem, cure)


def _in_words(given: dict[str, JsonValue], offered: OperationView) -> str:
    """What was asked, for the journal: secrets are masked, and a long text is cut."""
    shown = redact_settings(given, offered.input_schema)
    known = offered.input_schema.get("properties")
    if not isinstance(shown, dict) or not isinstance(known, dict):
        return ""
    facts = [f"{key}={_value(shown[key])}" for key in shown if key in known]
    text = ", ".join(facts)
    text = text if len(text) <= LONGEST_LINE else f"{text[: LONGEST_LINE - 1]}…"
    return f" ({text})" if text else ""


def _value(value: JsonValue) -> str:
    return value if value == MASK else json.dumps(value, ensure_ascii=False)
