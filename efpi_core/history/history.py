"""The history as the gateway uses it: a sink for observations, and answers about the past.

    history = History(home, clock)
    board.sinks.append(history.observe)
    history.start(facts)                      # keeps what comes, in a thread of its own, every ten seconds
    view = await history.values("battery.power", since, until, Resolution.QUARTER)
    await history.stop()

What fails here fails nobody else: a full, read-only or broken disk pauses the history, is told, and tried again.
"""

import asyncio
import re
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol, TypeVar

from efpi_core.clock import Clock, TimerHandle
from efpi_core.errors import EfpiError, RefusedError, SettingsError, TryAgainError
from efpi_core.event_kinds import (
    COUNTER_REPLACED,
    COUNTER_RESET,
    COUNTER_ROLLED_OVER,
    HISTORY_PAUSED,
    HISTORY_RESCUED,
    HISTORY_RESUMED,
    EventKind,
)
from efpi_core.history.answers import channel_views, costs_view, values_view
from efpi_core.history.counter import Turn
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.history_file import HISTORY_FILE
from efpi_core.history.incoming import Incoming
from efpi_core.history.micro import from_micro
from efpi_core.history.reader import HistoryReader
from efpi_core.history.sealer import CounterTurn
from efpi_core.history.staged import StagedValues
from efpi_core.history.store import HistoryStore
from efpi_core.history.taking_in import take_in
from efpi_core.history.writing import HistoryWriter, Outcome
from efpi_core.history_views import (
    HistoryChannelView,
    HistoryCostView,
    HistoryFigures,
    HistoryView,
    Imported,
    Rebuilt,
    Resolution,
)
from efpi_core.plugin.observation import ObservedValue, Quality

FLUSH_S = 10.0
"""What came is written so often; so much is lost by a kill at most."""

MOST_WAITING = 200_000
"""Values that wait in memory while the disk refuses; later ones are lost and counted. Some twenty megabytes."""

MOST_QUESTIONS = 16
"""Questions under way at a time."""

CLOSE_S = 0.4
"""How long the end of the gateway waits for the last batch."""

STAGED_NAME = re.compile(r"import-[0-9a-f]{16}\.staged", re.ASCII)
"""Files of staged values in the home."""

T = TypeVar("T")

Tell = Callable[[EventKind, str, str, str], None]
"""An event for people: its kind, subject, text and cure."""

TURNS = {
    Turn.RESET: (COUNTER_RESET, "it began anew, and what it shows counts"),
    Turn.ROLLED_OVER: (COUNTER_ROLLED_OVER, "it passed its highest value"),
    Turn.REPLACED: (COUNTER_REPLACED, "another counter stands in its place, and counts from here"),
}
"""What is told of each turn of a counter."""


class Observed(Protocol):
    """An observation with its last value, as the board of observations has it."""

    name: str
    unit: str
    kind: str
    modulus: float | None
    value: ObservedValue
    quality: Quality
    at: datetime | None


class History:
    """Keeps every observation. All methods are the event loop's; the file is a thread's of its own."""

    def __init__(self, home: Path, clock: Clock) -> None:
        self.path = home / HISTORY_FILE
        self._clock = clock
        self.on_event: Tell = lambda kind, subject, text, cure: None
        """Called with what people should hear of."""
        self._facts: Callable[[], HistoryFacts] = HistoryFacts
        self._writer = HistoryWriter(self.path)
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._asking = ThreadPoolExecutor(1, "efpi history")
        self._questions = 0
        self._pending: dict[str, Incoming] = {}
        self._waiting = 0
        self._under_way: dict[str, Incoming] | None = None
        self._timer: TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle = asyncio.Event()
        self._ended = asyncio.Event()
        self._figures = HistoryFigures()
        self._lost = 0
        self._lost_told = 0
        self._most_bytes = 0
        self.problem: EfpiError | None = None
        """Why nothing is kept now; None when all is well."""

    @property
    def figures(self) -> HistoryFigures:
        """Size, wear and losses."""
        return self._figures

    # --- taking in

    def observe(self, slot: Observed) -> None:
        """Take in a value; a sink of the board of observations."""
        if self._waiting >= MOST_WAITING:
            self._lost += 1
            return
        came = self._pending.get(slot.name)
        if came is None:
            came = self._pending[slot.name] = Incoming(slot.unit, slot.kind, slot.modulus)
        if slot.at is not None:
            came.rows.append((slot.at, slot.value, slot.quality))
            self._waiting += 1

    # --- life

    def start(self, facts: Callable[[], HistoryFacts]) -> None:
        """Begin to write; `facts` says what the history must know of the house, each time anew."""
        self._facts = facts
        self._loop = asyncio.get_running_loop()
        self._idle.set()
        self._thread = threading.Thread(target=self._run, name="efpi history", daemon=True)
        self._thread.start()
        self._flush()

    async def stop(self) -> None:
        """Write what is left; what is not done in time is lost."""
        if self._thread is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        with suppress(TimeoutError):
            async with self._clock.timeout(CLOSE_S):
                await self._idle.wait()
                self._hand_over()
                self._queue.put(None)
                await self._ended.wait()
        self._queue.put(None)
        self._thread = None
        self._asking.shutdown(wait=False, cancel_futures=True)

    async def flush(self) -> None:
        """Write what came so far, and wait until that is done, or failed."""
        await self._idle.wait()
        self._hand_over()
        await self._idle.wait()

    def _flush(self) -> None:
        self._hand_over()
        self._timer = self._clock.call_later(FLUSH_S, self._flush)

    def _hand_over(self) -> None:
        if self._under_way is not None:
            return
        batch, self._pending = self._pending, {}
        self._under_way = batch
        self._idle.clear()
        self._most_bytes = (facts := self._facts()).policy.most_bytes
        self._queue.put(partial(self._write, batch, facts, round(self._clock.now().timestamp() * 1000)))

    def _write(self, batch: dict[str, Incoming], facts: HistoryFacts, now_ms: int) -> None:
        outcome = self._writer.write(batch, facts, now_ms)
        self._in_loop(lambda: self._written(outcome))

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
        self._writer.close()
        self._in_loop(self._ended.set)

    def _in_loop(self, call: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(call)

    # --- what came of it

    def _written(self, outcome: Outcome) -> None:
        batch, self._under_way = self._under_way or {}, None
        self._idle.set()
        if outcome.kept:
            self._waiting -= sum(len(came.rows) for came in batch.values())
        else:
            self._pending = _together(batch, self._pending)
        if outcome.rescued:
            self.on_event(HISTORY_RESCUED, "history", outcome.rescued, "")
        for turn in outcome.turns:
            self.on_event(TURNS[turn.turn][0], turn.channel, _said(turn), "")
        self._figures = HistoryFigures(
            outcome.used_bytes, self._most_bytes, outcome.written_bytes, outcome.written_by_day, self._lost
        )
        self._set_problem(outcome.problem)

    def _set_problem(self, problem: EfpiError | None) -> None:
        before, self.problem = self.problem, problem
        if problem is not None and (before is None or before.problem != problem.problem):
            self.on_event(HISTORY_PAUSED, "history", problem.problem, problem.cure)
        elif problem is None and before is not None:
            lost, self._lost_told = self._lost - self._lost_told, self._lost
            text = f"; {lost} values of the time between are lost" if lost else "; nothing was lost"
            self.on_event(HISTORY_RESUMED, "history", f"the history is written again{text}", "")

    # --- other work on the file, between the batches

    async def import_staged(self, name: str) -> Imported:
        """Take in a file of staged values in the home, channel by channel; it is gone afterwards.

        Raises RefusedError for a name that is none, SettingsError for a file that is none.
        """
        if STAGED_NAME.fullmatch(name) is None:
            raise RefusedError(f"'{name[:60]}' is no file of staged values", "use `efpi history import FILE`")
        path, done = self.path.with_name(name), Imported()
        try:
            staged = await asyncio.to_thread(StagedValues, path, made=True)
            try:
                for channel in await asyncio.to_thread(staged.channels):
                    done.add(await self._work(partial(take_in, staged, channel)))
            finally:
                staged.close()
        except sqlite3.Error as error:
            raise SettingsError(name, f"it cannot be read: {error}", "use `efpi history import FILE`") from error
        finally:
            path.unlink(missing_ok=True)
        return done

    async def rebuild(self) -> Rebuilt:
        """Make all quarter hours and days anew from the raw values, channel by channel."""
        done = Rebuilt()
        for name in await self._work(HistoryStore.names):
            done.channels += 1
            done.quarters += await self._work(partial(_rebuild, name))
        return done

    async def _work(self, job: Callable[[HistoryStore], T]) -> T:
        """Have something done in the thread that writes, in its turn."""
        if self._thread is None or self._loop is None:
            raise TryAgainError("the history is not open", "ask again in a moment")
        done: asyncio.Future[T] = self._loop.create_future()
        facts = self._facts()

        def work() -> None:
            try:
                found = self._writer.work(job, facts)
            except Exception as error:  # noqa: BLE001  # whoever asked hears of it, whatever it is
                self._in_loop(partial(_fail, done, error))
            else:
                self._in_loop(partial(_succeed, done, found))

        self._queue.put(work)
        return await done

    # --- asking

    async def channels(self) -> tuple[HistoryChannelView, ...]:
        """All channels, by name."""
        return await self.ask(channel_views)

    async def values(self, channel: str, since: datetime, until: datetime, resolution: Resolution) -> HistoryView:
        """Values of one channel in [since, until). Raises RefusedError for what is not there or too much."""
        return await self.ask(lambda reader: values_view(reader, channel, since, until, resolution))

    async def costs(self, since: datetime, until: datetime, resolution: Resolution) -> HistoryCostView:
        """What energy at the grid meter cost in [since, until)."""
        return await self.ask(lambda reader: costs_view(reader, since, until, resolution))

    async def ask(self, question: Callable[[HistoryReader], T]) -> T:
        """Answer a question, off the event loop. Raises EfpiError when the history cannot be read."""
        if self._questions >= MOST_QUESTIONS:
            raise TryAgainError("the history has too many questions under way", "ask again in a moment")
        self._questions += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._asking, self._writer.ask, question)
        except (sqlite3.Error, OSError) as error:
            raise TryAgainError(f"the history cannot be read: {error}", "see `efpi doctor`") from error
        finally:
            self._questions -= 1


def _rebuild(name: str, store: HistoryStore) -> int:
    return store.rebuild(name)


def _succeed(done: "asyncio.Future[T]", found: T) -> None:
    if not done.done():
        done.set_result(found)


def _fail(done: "asyncio.Future[T]", error: Exception) -> None:
    if not done.done():
        done.set_exception(error)


def _together(first: dict[str, Incoming], then: dict[str, Incoming]) -> dict[str, Incoming]:
    for name, came in then.items():
        known = first.get(name)
        if known is None:
            first[name] = came
        else:
            known.rows += came.rows
    return first


def _said(turn: CounterTurn) -> str:
    before, after = from_micro(turn.before.amount), from_micro(turn.after.amount)
    return f"the counter shows {after:g} after {before:g}: {TURNS[turn.turn][1]}"
