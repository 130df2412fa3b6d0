"""Health: the state of each part of the gateway, and of the whole, with reasons and cures."""

from collections.abc import Iterator
from datetime import datetime

from efpi_core.gateway.budget_watch import MIB
from efpi_core.gateway.pulse import OVERLOADED_CURE, OVERLOADED_TEXT, Pulse
from efpi_core.gateway.site_keeper import SiteKeeper
from efpi_core.history.history import History
from efpi_core.history_views import HistoryFigures
from efpi_core.plugin.condition import ConditionState
from efpi_core.site.problem import SiteError
from efpi_core.state.state import State
from efpi_core.views import HealthView, InstanceState, InstanceView, PartHealth


def gateway_health(
    *,
    version: str,
    site: SiteKeeper,
    state: State,
    history: History | None,
    instances: tuple[InstanceView, ...],
    started: bool,
    now: datetime,
    uptime_s: float,
    told: dict[str, int],
    pulse: Pulse,
) -> HealthView:
    """Sum up: `starting` until the site runs, `degraded` when any part is not well, else `ok`."""
    kept = () if history is None else (_history_health(history),)
    parts = (_state_health(state), _site_health(site), _machine_health(pulse), *kept)
    reasons = tuple(_reasons(parts, instances))
    starting = not started or any(view.state is InstanceState.STARTING for view in instances)
    status = "degraded" if reasons else "starting" if starting else "ok"
    return HealthView(
        status=status,
        reasons=reasons,
        version=version,
        site=site.site.name if site.site is not None else "",
        revision=site.revision,
        now=now,
        uptime_s=uptime_s,
        parts=parts,
        instances=instances,
        told=told,
        time_zone=site.site.time_zone if site.site is not None else "UTC",
    )


def _state_health(state: State) -> PartHealth:
    problem = state.problem
    if problem is not None:
        return PartHealth(
            "state", ConditionState.DEGRADED, problem.detail_code or "not_kept", problem.problem, problem.cure
        )
    return PartHealth("state", ConditionState.OK)


def _history_health(history: History) -> PartHealth:
    problem = history.problem
    if problem is not None:
        detail = problem.detail_code or "not_kept"
        return PartHealth("history", ConditionState.DEGRADED, detail, problem.problem, problem.cure)
    return PartHealth("history", ConditionState.OK, text=_history_text(history.figures))


def _history_text(figures: HistoryFigures) -> str:
    daily = figures.written_a_day
    wear = "" if daily is None else f", {daily / MIB:.1f} MB written a day"
    return f"{figures.used_bytes / MIB:.1f} of {figures.most_bytes / MIB:.0f} MB{wear}"


def _site_health(site: SiteKeeper) -> PartHealth:
    if site.problem is not None:
        text = site.problem.summary if isinstance(site.problem, SiteError) else site.problem.problem
        return PartHealth("site", ConditionState.MISCONFIGURED, "refused", text, site.problem.cure)
    return PartHealth("site", ConditionState.OK)


def _machine_health(pulse: Pulse) -> PartHealth:
    if pulse.overloaded:
        text = f"{OVERLOADED_TEXT}: its timers come {pulse.lag_s:.1f} s late"
        return PartHealth("machine", ConditionState.DEGRADED, "overloaded", text, OVERLOADED_CURE)
    return PartHealth("machine", ConditionState.OK)


def _reasons(parts: tuple[PartHealth, ...], instances: tuple[InstanceView, ...]) -> Iterator[str]:
    for part in parts:
        if part.state is not ConditionState.OK:
            yield f"{part.name}: {part.text}"
    for view in instances:
        if view.state in (InstanceState.BACKING_OFF, InstanceState.QUARANTINED, InstanceState.MISSING):
            yield f"{view.instance} is {view.state.value.replace('_', ' ')}: {view.text}"
        elif view.state is InstanceState.RUNNING and view.condition is not ConditionState.OK:
            yield f"{view.instance} is {view.condition.value}: {view.text}"
