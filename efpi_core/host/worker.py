"""One worker an instance: it runs the instance's handlers, polls and timers one after the other."""

import asyncio
from collections import deque

from efpi_core.clock import Clock
from efpi_core.plugin.context import Job


class Worker:
    """A queue of jobs and the task that runs them. A job that raises ends the worker."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: deque[Job] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._busy = False
        self._begun = 0
        self._looked_at = 0
        self._looked_since = 0.0

    def enqueue(self, job: Job) -> None:
        """Run a job when those before it are done."""
        self._jobs.append(job)
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self._jobs and not self._busy

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._jobs)

    def busy_s(self) -> float:
        """How long the present job has run at least: since the first look that found it running.

        The clock is read at each look, not at each job: jobs are many and looks are few.
        """
        if not self._busy:
            return 0.0
        now = self._clock.elapsed()
        if self._looked_at != self._begun:
            self._looked_at, self._looked_since = self._begun, now
        return now - self._looked_since

    async def run(self) -> None:
        """Run jobs until cancelled; raises what a job raises."""
        loop = asyncio.get_running_loop()
        jobs = self._jobs
        while True:
            self._busy = True
            try:
                while jobs:
                    self._begun += 1
                    outcome = jobs.popleft()()
                    if outcome is not None:
                        await outcome
            finally:
                self._busy = False
            self._waiter = loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
