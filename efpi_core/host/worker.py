"""One worker an instance: it runs the instance's handlers, polls and timers one after the other."""

import asyncio
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Awaitable, Hashable
from functools import partial
from types import CoroutineType
from typing import Any

from efpi_core.clock import Clock
from efpi_core.errors import PluginFailure
from efpi_core.host.begun import Begun
from efpi_core.plugin.context import Job

MOST_AT_ONCE = 100_000
"""So many jobs without a wait are no work any more: somebody calls himself again and again."""

AUTHOR = "report this to the plugin's author"


class Worker:
    """A queue of jobs and the task that runs them. A job that raises ends the worker: `run` raises the same.

    The queue is a plain list: it is short, and an empty deque weighs 600 bytes in each of ten thousand instances.
    """

    __slots__ = (
        "_busy_since",
        "_by_key",
        "_clock",
        "_dropping",
        "_held",
        "_jobs",
        "_task",
        "_void",
        "_waiter",
        "superseded",
    )

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: list[Job] = []
        self._by_key: dict[Hashable, _Replaceable] = {}
        self._waiter: asyncio.Future[None] | None = None
        self._busy_since: float | None = None
        self._task: asyncio.Task[Any] | None = None
        self._dropping = False
        self._held = False
        self._void = 0
        self.superseded = 0
        """How many jobs were never run, since a newer one of their key came."""

    def enqueue(self, job: Job) -> None:
        """Run a job when those before it are done."""
        self._jobs.append(job)
        if not self._held:
            self._wake()

    def enqueue_first(self, job: Job) -> None:
        """Run a job next."""
        self._jobs.insert(0, job)
        if not self._held:
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def hold(self) -> None:
        """Begin nothing until `pump`: more comes at once."""
        self._held = True

    def pump(self) -> None:
        """Run what waits in the turn of whoever calls, as far as it goes without waiting; `run` does the rest.

        In stepped time nearly every job ends at once, and a turn of the event loop for each instance and round would
        cost more than most of them. Meanwhile the worker's task counts as the current one.
        """
        task = self._task
        try:
            if task is not None and self._waiter is not None and not self._waiter.done():
                loop, caller = asyncio.get_running_loop(), asyncio.current_task()
                assert caller is not None  # noqa: S101  # who has a running loop and awaits is a task
                _leave_task(loop, caller)
                _enter_task(loop, task)
                try:
                    self._run_through()
                finally:
                    _leave_task(loop, task)
                    _enter_task(loop, caller)
        finally:
            self._held = False
            if self._jobs:
                self._wake()

    def _run_through(self) -> None:
        """Run jobs until one waits or raises: `run` goes on with that one then."""
        for _ in range(MOST_AT_ONCE):
            if not self._jobs:
                return
            self._busy_since = self._clock.elapsed()
            rest = _begin(self._jobs.pop(0))
            self._busy_since = None
            if rest is not None:
                self._jobs.insert(0, rest)
                return
        self._jobs.insert(0, partial(_raise, PluginFailure("its handlers call each other without end", AUTHOR)))

    def enqueue_newest(self, key: Hashable, job: Job) -> None:
        """Run a job when those before it are done, and no job of this key that still waits."""
        older = self._by_key.get(key)
        if older is not None:
            older.job = None
            self._void += 1
            self.superseded += 1
        self._by_key[key] = newer = _Replaceable(key, job, self)
        self.enqueue(newer)

    def take_keyed(self, keyed: "_Replaceable") -> None:
        """A replaceable job begins; for the job."""
        if keyed.job is None:
            self._void -= 1
        else:
            del self._by_key[keyed.key]

    def drop_job(self) -> None:
        """Give up the job that runs now, by cancelling it; the next one follows."""
        if self._busy_since is not None and self._task is not None and not self._dropping:
            self._dropping = True
            self._task.cancel()

    def _forget_drop(self) -> None:
        """Whether or not the job heeded its cancellation, it was meant for no other."""
        self._dropping = False
        if self._task is not None:
            self._task.uncancel()

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self._jobs and self._busy_since is None

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._jobs) - self._void

    def busy_s(self) -> float:
        """How long the present job has run."""
        return 0.0 if self._busy_since is None else self._clock.elapsed() - self._busy_since

    async def run(self) -> None:
        """Run jobs until cancelled; raises what a job raises."""
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        job: Job | None
        outcome: Awaitable[None] | None
        while True:
            while self._jobs:
                job = self._jobs.pop(0)
                # what a job notes by the clock's new time, nobody corrects by the step afterwards
                self._busy_since = self._clock.look()
                try:
                    outcome = job()
                    if outcome is not None:
                        await outcome
                except asyncio.CancelledError:
                    if not self._dropping:
                        raise
                finally:
                    self._busy_since = None
                    if self._dropping:
                        self._forget_drop()
            job = outcome = None  # what was done is not kept while nothing is to do
            self._waiter = loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None


def _begin(job: Job) -> Job | None:
    """Run a job as far as it goes without waiting; what is left of it, or what it raised, as a job to go on with."""
    try:
        outcome = job()
        if outcome is None:
            return None
        if not isinstance(outcome, CoroutineType):
            return partial(_itself, outcome)
    except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001  # `run` raises it in its task
        return partial(_raise, error)
    try:
        return partial(_itself, Begun(outcome, outcome.send(None)))
    except StopIteration:
        return None
    except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001  # likewise
        return partial(_raise, error)


def _itself(awaitable: Awaitable[None]) -> Awaitable[None]:
    return awaitable


def _raise(error: BaseException) -> None:
    raise error


class _Replaceable:
    """A job that a newer one of its key makes needless."""

    __slots__ = ("_worker", "job", "key")

    def __init__(self, key: Hashable, job: Job, worker: Worker) -> None:
        self.key = key
        self.job: Job | None = job
        self._worker = worker

    def __call__(self) -> Awaitable[None] | None:
        self._worker.take_keyed(self)
        return None if self.job is None else self.job()
