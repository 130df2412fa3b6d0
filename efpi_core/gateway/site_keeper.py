"""Keeps the site: which revision is in force, what it runs, and how a change is taken or given back."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from efpi_core.clock import Clock
from efpi_core.errors import EfpiError, OutdatedError, RefusedError, SettingsError
from efpi_core.event_kinds import SITE_APPLIED, SITE_REFUSED, SITE_ROLLED_BACK
from efpi_core.gateway.connections import AppFacts, Choice
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.house import House
from efpi_core.gateway.instances import InstancePlan, Instances
from efpi_core.gateway.planning import Planner
from efpi_core.local_time import LocalTime
from efpi_core.site.apply import ApplyWatch, Standing, Step
from efpi_core.site.diff import diff_sites
from efpi_core.site.document import Site
from efpi_core.site.expand import all_instances
from efpi_core.site.expand import instances as written_out
from efpi_core.site.loader import SiteDocument, load_kept_site, load_site
from efpi_core.site.revisions import ImportDecision, ImportRecord, Origin, Revision, Verdict, decide_import, text_digest
from efpi_core.site.wiring import wanted_connection
from efpi_core.state.state import State
from efpi_core.views import InstanceState

LOOK_EVERY_S = 0.25

LONGEST_LOOK_S = 1.0
"""What passes between two looks counts no longer than this."""


CheckConfigs = Callable[[SiteDocument], Awaitable[None]]
"""Checks the settings of every instance with its plugin; raises SiteError with all mistakes."""


class SiteKeeper:
    """The site in force."""

    def __init__(self, state: State, clock: Clock, house: House, events: EventLog) -> None:
        self._state = state
        self._clock = clock
        self._house = house
        self._events = events
        self._instances: Instances | None = None
        self._planner: Planner | None = None
        self._changing = asyncio.Lock()
        self.watch_times: dict[str, float] = {}
        """Other times than the usual for watching a change; see `ApplyWatch`."""
        self.on_enact: Callable[[Site], None] = lambda site: None
        """Called with each site that is about to run."""
        self.check_configs: CheckConfigs | None = None
        self.site: Site | None = None
        self.text = ""
        self.revision = 0
        self.problem: EfpiError | None = None
        """Why a site that was given is not in force."""

    # --- what is known of it

    def runs(self, instance: str) -> bool:
        """Whether the site in force names an instance."""
        return instance in self._names

    def names(self, instance: str) -> bool:
        """Whether the site in force names an instance, enabled or not."""
        return self.site is not None and any(spec.instance == instance for spec, _ in all_instances(self.site))

    def order(self) -> tuple[str, ...]:
        """The instances in the document's order."""
        return self._names

    _names: tuple[str, ...] = ()

    # --- taking a site at the start

    def take_file(self, path: str, text: str, by: str) -> None:
        """Import a file given at the start, when it changed since it was last taken.

        Raises SiteError when it is wrong and there is no site to go on with; otherwise a wrong file is named in
        `problem` and the site in force stays. Raises RefusedError when file and gateway both changed.
        """
        current = self._state.revision_in_force()
        decision = decide_import(path, text, self._state.last_import(), current)
        if decision is ImportDecision.TAKE:
            try:
                loaded = load_site(text, path)
            except SettingsError as error:
                if current is None:
                    raise
                self.problem = error
                self._events.tell(SITE_REFUSED, "site", str(error), error.cure)
            else:
                current = self._keep(loaded, by, f"from {path}", Origin.IMPORT, Verdict.CONFIRMED, path)
        if current is not None and self.problem is None:
            self._state.set_last_import(ImportRecord(path, text_digest(text), current.number))
        self.take_kept()

    def take_kept(self) -> None:
        """Go on with the revision in force. Raises SettingsError when there is none."""
        current = self._state.revision_in_force()
        if current is None:
            raise SettingsError("--site", "this home has no site yet", "start with `--site demo` or `--site FILE`")
        self._put(self._load(current), current.number)

    def _load(self, revision: Revision) -> SiteDocument:
        document = self._state.revision_document(revision.number)
        if document is None:
            raise SettingsError("site", f"revision {revision.number} cannot be read", "start with `--site FILE`")
        return load_kept_site(*document)

    def _keep(
        self, loaded: SiteDocument, by: str, why: str, origin: Origin, verdict: Verdict, source: str = ""
    ) -> Revision:
        return self._state.add_revision(
            loaded.text, loaded.data, by=by, why=why, origin=origin, verdict=verdict, source=source
        )

    def _put(self, loaded: SiteDocument, revision: int) -> None:
        self.site, self.text, self.revision = loaded.site, loaded.text, revision

    # --- running it

    async def start(self, instances: Instances, planner: Planner) -> None:
        """Run the site in force."""
        self._instances, self._planner = instances, planner
        if self.site is not None:
            await self._enact(self.site, frozenset())

    async def look_again(self) -> None:
        """Run what could not run because its plugin was not known yet; the rest keeps running."""
        async with self._changing:
            if self.site is not None:
                await self._enact(self.site, frozenset())

    async def _enact(self, site: Site, changed: frozenset[str]) -> None:
        """Make the house and its instances what a site says; what did not change keeps running."""
        assert self._instances is not None and self._planner is not None, "started"  # noqa: S101  # by `start`
        self.on_enact(site)
        plans = self._planner.plans(site)
        self._names = tuple(plan.spec.instance for plan in plans)
        self._house.names = {plan.spec.instance: plan.spec.name for plan in plans if plan.spec.name}
        self._house.settle(LocalTime(site.time_zone))
        self._house.configure(
            (_app_facts(plan) for plan in plans if plan.spec.kind == "app"),
            partial(_site_choice, site),
            site.grid_limits(),
        )
        await self._instances.change(plans, changed)

    # --- changing it

    async def apply(
        self, text: str, by: str, why: str, origin: Origin = Origin.APPLY, source: str = "", upon: int | None = None
    ) -> int:
        """Validate, keep as candidate, run, watch, confirm; or go back to the site before and say why.

        Raises SiteError for a document that is wrong, RefusedError for one that did not hold, and OutdatedError when
        another revision than the one that it was made upon is in force by then.
        """
        loaded = await asyncio.to_thread(load_site, text, "the new site")
        if self.check_configs is not None:
            await self.check_configs(loaded)
        async with self._changing:
            if upon is not None and upon != self.revision:
                raise OutdatedError(
                    f"revision {self.revision} is in force now, not {upon}",
                    "look at what changed with `efpi site diff`, then apply again",
                )
            if text_digest(text) == text_digest(self.text):
                return self.revision
            return await self._change_to(loaded, by, why, origin, source)

    async def _change_to(self, loaded: SiteDocument, by: str, why: str, origin: Origin, source: str) -> int:
        before, before_text, before_revision = self.site, self.text, self.revision
        candidate = self._keep(loaded, by, why, origin, Verdict.CANDIDATE, source)
        await self._state.committed()
        standings = self._standings()
        self._put(loaded, candidate.number)
        touched = _touched(before, loaded.site)
        trouble = await self._try(loaded.site, touched, standings)
        if not trouble:
            self._state.judge_revision(candidate.number, Verdict.CONFIRMED)
            await self._state.committed()
            self.problem = None
            self._events.tell(SITE_APPLIED, "site", f"{by}: revision {candidate.number} is in force: {why}")
            return candidate.number
        self._state.judge_revision(candidate.number, Verdict.REJECTED, trouble)
        await self._state.committed()
        self.site, self.text, self.revision = before, before_text, before_revision
        if before is not None:
            await self._enact(before, _touched(loaded.site, before))
        self._events.tell(SITE_ROLLED_BACK, "site", f"revision {candidate.number} did not hold: {trouble}")
        raise RefusedError(
            f"the site was rolled back to revision {before_revision}: {trouble}", "mend that and apply it again"
        )

    async def _try(self, site: Site, touched: frozenset[str], standings: dict[str, Standing]) -> str:
        """Run a candidate and watch it; returns what went wrong, empty when all is well."""
        try:
            await self._enact(site, touched)
        except EfpiError as error:
            return str(error)
        return await self._watch(ApplyWatch(touched, standings, 0.0, **self.watch_times))

    async def revision_text(self, number: int) -> str:
        """The text of a revision. Raises RefusedError when there is none."""
        document = await asyncio.to_thread(self._state.revision_document, number)
        if document is None:
            raise RefusedError(f"there is no revision {number}", "see `efpi site history`")
        return document[0]

    async def rollback(self, number: int, by: str) -> int:
        """Take an older revision's text again, as a new revision."""
        return await self.apply(
            await self.revision_text(number), by, f"back to revision {number}", Origin.ROLLBACK, str(number)
        )

    def _standings(self) -> dict[str, Standing]:
        assert self._instances is not None, "started"  # noqa: S101  # by `start`
        return {view.instance: _STANDING.get(view.state, Standing.WELL) for view in self._instances.views()}

    async def _watch(self, watch: ApplyWatch) -> str:
        """Watch the instances until the change is judged; returns what went wrong, empty when all is well."""
        watched_s, looked_at = 0.0, self._clock.elapsed()
        while True:
            present = self._clock.elapsed()
            watched_s += min(present - looked_at, LONGEST_LOOK_S)  # no longer: the machine may have been suspended
            looked_at = present
            decision = watch.look(watched_s, self._standings())
            match decision.step:
                case Step.CONFIRM:
                    return ""
                case Step.ROLL_BACK:
                    return "; ".join((decision.reason, *self._troubles(decision.culprits)))
                case Step.WAIT:
                    await self._clock.sleep(LOOK_EVERY_S)

    def _troubles(self, names: tuple[str, ...]) -> list[str]:
        """What instances say of their own failures."""
        assert self._instances is not None, "started"  # noqa: S101  # by `start`
        return [view.text for view in self._instances.views() if view.instance in names and view.text]


_STANDING = {
    InstanceState.STARTING: Standing.STARTING,
    InstanceState.BACKING_OFF: Standing.STARTING,
    InstanceState.QUARANTINED: Standing.FAILED,
    InstanceState.MISSING: Standing.FAILED,
}


def _app_facts(plan: InstancePlan) -> AppFacts:
    categories = frozenset(category.value for category in plan.offer.categories) if plan.offer is not None else ()
    return AppFacts(plan.spec.instance, frozenset(categories))


def _site_choice(site: Site, appliance_id: str) -> Choice | None:
    wanted = wanted_connection(site, appliance_id)
    return None if wanted is None else Choice(wanted.app, by_hand=True)


def _touched(before: Site | None, after: Site) -> frozenset[str]:
    """The instances that start anew when one site takes the place of another."""
    names = frozenset(spec.instance for spec in written_out(after))
    if before is None:
        return names
    diff = diff_sites(before, after)
    return names if diff.restart_all else diff.touched
