"""One worker an instance: it runs the instance's handlers, polls and timers one after the other."""

import asyncio
from collections import deque

from efpi_core.clock import Clock
from efpi_core.plugin.context import Job


class Worker:
    """A queue of jobs and the task that runs them. A job that raises ends the worker: see `failure`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: deque[Job] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._busy_since: float | None = None

    def enqueue(self, job: Job) -> None:
        """Run a job when those before it are done."""
        self._jobs.append(job)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self._jobs and self._busy_since is None

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._jobs)

    def busy_s(self) -> float:
        """How long the present job has run."""
        return 0.0 if self._busy_since is None else self._clock.elapsed() - self._busy_since

    async def run(self) -> None:
        """Run jobs until cancelled; raises what a job raises."""
        loop = asyncio.get_running_loop()
        while True:
            while self._jobs:
                job = self._jobs.popleft()
                self._busy_since = self._clock.elapsed()
                try:
                    outcome = job()
                    if outcome is not None:
                        await outcome
                finally:
                    self._busy_since = None
            self._waiter = loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
