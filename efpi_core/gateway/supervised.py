"""One instance through all its lives: launched, watched, restarted after confirmed death, stopped in order."""

import asyncio
import logging
from collections.abc import Callable

from efpi_core.clock import Clock, TimerHandle
from efpi_core.errors import EfpiError
from efpi_core.event_kinds import CPU_OVER_BUDGET, FLOODS
from efpi_core.gateway.budget_watch import BudgetWatch
from efpi_core.gateway.crash_record import CrashRecord
from efpi_core.gateway.habits import Habits
from efpi_core.gateway.heartbeat import Heartbeat
from efpi_core.gateway.instances import InstancePlan, InstancesListener
from efpi_core.gateway.last_words import LastWords, Trouble
from efpi_core.gateway.strain import Strain
from efpi_core.host.frames import Failed, FromInstance, Pong, Ready, ToInstance
from efpi_core.host.host import BUDGET_CURE, End, Ending, HostFactory, InstanceHost
from efpi_core.host.order import NICE
from efpi_core.host.process_tree import process_tree, set_nice
from efpi_core.log_line import say
from efpi_core.plugin.condition import ConditionState
from efpi_core.site.document import CpuExcess
from efpi_core.views import InstanceState, InstanceView

LOG = logging.getLogger("efpi.instance")

THROTTLED_NICE = 15
"""The priority of an instance beyond its CPU time: against one within it, it gets a twentieth of a core."""

CERTAINTY_S = 0.3
"""How long to wait for the death of what was killed."""

FLOODING = Strain(FLOODS, "it sends more than its share; of its states and values only the newest are taken")

HELD_BY_KERNEL_CURE = "unplug the device or disk that it waits for, or restart the machine"


class Supervised:
    """Keeps one instance running. It is its hosts' listener; a failing plugin ends here."""

    def __init__(
        self,
        plan: InstancePlan,
        hosts: HostFactory,
        listener: InstancesListener,
        clock: Clock,
        habits: Habits,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.plan = plan
        self.name = plan.spec.instance
        self.state = InstanceState.STOPPED
        self.restarts = 0
        """How often it was started again."""
        self.left_disorder = False
        """Whether its last life ended without order, or has not ended."""
        self.closed = False
        """Whether no life of it may begin any more."""
        self.trouble: Trouble | None = None
        """Its latest failure."""
        self._text = ""
        self._cure = ""
        self._kill_cure = ""
        self._hosts = hosts
        self._listener = listener
        self._clock = clock
        self._habits = habits
        self._crashes = CrashRecord(habits)
        self._host: InstanceHost | None = None
        self._launched = False
        """Whether it ever lived."""
        self._launched_at = 0.0
        self._words = LastWords(self.name, redact)
        self._deadline: TimerHandle | None = None
        self._pause: TimerHandle | None = None
        self._heartbeat: Heartbeat | None = None
        self._watch: BudgetWatch | None = None
        self._strain: Strain | None = None
        self._throttled: Strain | None = None
        self._shed_before = 0
        self._shed_told = 0
        self._start_when_gone = False
        self._gone: asyncio.Event = asyncio.Event()
        self._gone.set()

    # --- for the supervisor

    def view(self) -> InstanceView:
        """What the gateway shows of it."""
        spec, offer = self.plan.spec, self.plan.offer
        strain = self._strain if self.state is InstanceState.RUNNING else None
        taken = self._watch.taken if self._watch is not None and spec.hosted else None
        return InstanceView(
            instance=self.name,
            kind=spec.kind,
            offer=spec.offer,
            state=self.state,
            condition=_CONDITIONS.get(self.state, ConditionState.DEGRADED if strain else ConditionState.OK),
            detail=self.state.value if self.state in _CONDITIONS else strain.kind.name if strain else "",
            text=strain.text if strain else self._text,
            cure=strain.cure if strain else self._cure,
            restarts=self.restarts,
            pid=self._host.pid if self._host is not None else None,
            hosted=spec.hosted,
            title=spec.name or (offer.title if offer is not None else ""),
            shed=self.shed,
            memory_bytes=taken.memory_bytes if taken is not None else None,
            memory_mb=offer.memory_mb if offer is not None and spec.hosted else None,
            bounded_by=self._host.bounded_by if self._host is not None else "",
            cpu_share=round(taken.cpu_share, 3) if taken is not None else None,
            cpu_share_budget=offer.cpu_share if offer is not None and spec.hosted else None,
        )

    @property
    def shed(self) -> int:
        """States and values, from it and for it, that a newer one replaced while they waited, in all its lives."""
        return self._shed_before + self._shed_told + (self._host.shed if self._host is not None else 0)

    @property
    def runs(self) -> bool:
        """Whether it has a host that has not ended."""
        return not self._gone.is_set()

    def start(self) -> None:
        """Begin a life; when nothing can run, say so."""
        self._cancel_pause()
        if self.closed:
            return
        plan = self.plan
        if plan.plugin is None or plan.offer is None or plan.start is None:
            state = InstanceState.STARTING if plan.pending else InstanceState.MISSING
            self._turn(state, plan.problem, plan.cure)
            return
        self._kill_cure = ""
        self._strain = self._throttled = None
        self._words.begin()
        self._launched, self._launched_at = True, self._clock.elapsed()
        try:
            host = self._hosts(self.name, plan.plugin, plan.offer, self, hosted=plan.spec.hosted)
            first = plan.start()
            first.replacement |= self.left_disorder
        except EfpiError as error:
            self._crashed(Ending(End.NOT_LAUNCHED, error.problem, error.cure))
            return
        self._host = host
        self.left_disorder = True
        self._gone.clear()
        self._turn(InstanceState.STARTING)
        self._deadline = self._clock.call_later(self._habits.start_s, self._not_ready)
        self._watch = BudgetWatch(
            self._clock,
            self._habits.memory_every_s,
            lambda: host.pid,
            memory_mb=plan.offer.memory_mb,
            cpu_share=plan.offer.cpu_share,
            on_memory=self._too_large,
            on_cpu=self._too_busy,
        )
        host.launch(first)

    def send(self, frame: ToInstance) -> None:
        """Hand it a frame; dropped when it does not run."""
        if self._host is not None:
            self._host.send(frame)

    def begin_again(self) -> None:
        """Start it after it was stopped, as soon as it has ended for certain; its crashes are forgotten."""
        self._crashes.forget()
        self.restarts += self._launched
        if self.runs:
            self._start_when_gone = True
        else:
            self.start()

    async def stop(self, deadline_s: float, reason: str) -> None:
        """End it in order, and wait until it has ended for certain; not for ever, since the kernel may hold it."""
        self._cancel_pause()
        self._start_when_gone = False
        host = self._host
        if host is None:
            if self.state not in (InstanceState.STOPPED, InstanceState.MISSING):
                self._turn(InstanceState.STOPPED, reason)
            return
        self._quieten()
        if self._throttled is not None and host.pid is not None:
            set_nice(host.pid, NICE)  # its safe states must not wait; without the right it goes on slowly
        self._turn(InstanceState.STOPPING, reason)
        host.stop(deadline_s, reason)
        try:
            async with asyncio.timeout(deadline_s + CERTAINTY_S):
                await self._gone.wait()
        except TimeoutError:
            self._turn(InstanceState.STOPPING, "it was killed and does not end", HELD_BY_KERNEL_CURE)

    def kill(self, reason: str, cure: str = "") -> None:
        """End it at once."""
        if self._host is not None:
            self._kill_cure = cure
            self._host.kill(reason)

    # --- its hosts' listener

    def frame(self, host: InstanceHost, frame: FromInstance) -> None:
        """It sent a frame."""
        if host is not self._host:
            return
        if self._heartbeat is not None:
            self._heartbeat.heard()
        match frame:
            case Pong():
                if self._heartbeat is not None:
                    self._heartbeat.answered(frame)
                self._shed_told = frame.shed
                self._feel(FLOODING if host.pressed else self._throttled)
                return
            case Ready():
                self._ready(host)
            case Failed():
                self._words.failed(frame)
        self._listener.on_frame(self.name, frame)

    def _ready(self, host: InstanceHost) -> None:
        self._cancel_deadline()
        if self.state is not InstanceState.STARTING:
            return
        self._heartbeat = Heartbeat(self._clock, self._habits, host.send, host.kill)
        self._turn(InstanceState.RUNNING)

    def output(self, host: InstanceHost, line: str) -> None:
        """It printed a line."""
        self._words.printed(line)

    def ended(self, host: InstanceHost, ending: Ending) -> None:
        """It has ended, for certain."""
        if host is not self._host:
            return
        self._host = None
        self._shed_before += self._shed_told + host.shed
        self._shed_told = 0
        self.left_disorder = ending.how is not End.STOPPED
        self._quieten()
        self._gone.set()
        if self.state is InstanceState.STOPPING:
            if ending.how is not End.STOPPED:
                say(LOG, logging.WARNING, "instance_killed", self.name, ending.text)
            self._turn(InstanceState.STOPPED)
            if self._start_when_gone:
                self._start_when_gone = False
                self.start()
        elif ending.how is End.STOPPED:
            self._crashed(Ending(End.CRASHED, "it ended without being asked"))
        else:
            self._crashed(ending)

    # --- failures

    def _not_ready(self) -> None:
        self._deadline = None
        self.kill(f"it was not ready within {self._habits.start_s:g} s")

    def _too_large(self, problem: str) -> None:
        self.kill(problem, BUDGET_CURE)

    def _too_busy(self, problem: str) -> None:
        """It takes more CPU time than it may: its neighbours come first from now on, or it begins anew."""
        if self.plan.spec.budget.cpu_excess is CpuExcess.RESTART:
            self.kill(problem, BUDGET_CURE)
        elif self._host is not None and self._host.pid is not None:
            for pid in process_tree(self._host.pid):
                set_nice(pid, THROTTLED_NICE)
            self._throttled = Strain(CPU_OVER_BUDGET, f"{problem}: it comes after the others")
            self._feel(self._throttled)

    def _feel(self, strain: Strain | None) -> None:
        before, self._strain = self._strain, strain
        if (before and before.kind) is not (strain and strain.kind):
            self._listener.on_strain(self.name, strain)

    def _crashed(self, ending: Ending) -> None:
        self.trouble = trouble = self._words.trouble(ending, self._kill_cure)
        now = self._clock.elapsed()
        pause = self._crashes.crashed(now, now - self._launched_at)
        if pause is None:
            release = f"release it with `efpi restart {self.name}`"
            crashes = f"{trouble.text} (ended {self._crashes.recent} times in a short time)"
            self._turn(InstanceState.QUARANTINED, crashes, f"{trouble.cure}; {release}")
            return
        self._pause = self._clock.call_later(pause, self._again)
        self._turn(InstanceState.BACKING_OFF, trouble.text, trouble.cure)

    def _again(self) -> None:
        self._pause = None
        self.restarts += 1
        self.start()

    # --- the rest

    def _turn(self, state: InstanceState, text: str = "", cure: str = "") -> None:
        self.state, self._text, self._cure = state, text, cure
        self._listener.on_state(self.name, state, text, cure)

    def _quieten(self) -> None:
        self._cancel_deadline()
        for watch in (self._heartbeat, self._watch):
            if watch is not None:
                watch.stop()
        self._heartbeat = self._watch = None

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cancel_pause(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None


_CONDITIONS = {
    InstanceState.BACKING_OFF: ConditionState.OFFLINE,
    InstanceState.QUARANTINED: ConditionState.OFFLINE,
    InstanceState.MISSING: ConditionState.MISCONFIGURED,
}
"""How an instance is doing that does not run; the others tell for themselves."""
