"""Connections: which energy app controls which appliance. One app an appliance, an app many, and no circles."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from efpi_core.errors import RefusedError
from efpi_core.gateway.appliances import ApplianceRecord, ApplianceRegistry
from efpi_core.views import ConnectionView


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What is known of a configured app before it runs."""

    instance: str
    categories: frozenset[str]
    running: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision about one appliance: an app, or none. `by_hand` when a person or the site made it."""

    app: str | None
    by_hand: bool


class Connections:
    """Decides who controls what; `change` carries a decision out."""

    def __init__(
        self, appliances: ApplianceRegistry, change: Callable[[ApplianceRecord, str | None, str], None]
    ) -> None:
        self._appliances = appliances
        self._change = change
        self._apps: dict[str, AppFacts] = {}
        self._chosen: dict[str, Choice] = {}
        self._site_choice: Callable[[str], Choice | None] = lambda appliance_id: None

    def set_apps(self, apps: Iterable[AppFacts]) -> None:
        """The apps that the site names now; one that runs already goes on."""
        before = self._apps
        self._apps = {
            app.instance: replace(app, running=app.instance in before and before[app.instance].running) for app in apps
        }

    def set_site_choice(self, choice: Callable[[str], Choice | None]) -> None:
        """What the site says about an appliance; a person's own decision stands above it."""
        self._site_choice = choice

    def set_running(self, app: str, running: bool) -> None:
        """An app is ready, or ended."""
        if (facts := self._apps.get(app)) is not None:
            self._apps[app] = AppFacts(facts.instance, facts.categories, running)
            self.settle()

    def listeners(self, record: ApplianceRecord) -> tuple[str, ...]:
        """The running apps that may hear an appliance which nobody controls, since it is measured only."""
        if record.steerable:
            return ()
        return tuple(
            app.instance
            for app in self._apps.values()
            if app.running and record.category in app.categories and app.instance != record.instance
        )

    def choose(self, appliance_id: str, choice: Choice | None) -> None:
        """Decide about an appliance, whether it is there yet or not; None leaves it to the automatic answer."""
        if choice is None:
            self._chosen.pop(appliance_id, None)
        else:
            self._chosen[appliance_id] = choice

    def choice(self, appliance_id: str) -> Choice | None:
        """What was decided about an appliance, by a person or else by the site; None leaves it to be automatic."""
        return self._chosen.get(appliance_id) or self._site_choice(appliance_id)

    def require_possible(self, appliance_id: str, app: str) -> None:
        """Refuse a decision that cannot be carried out, with the reason."""
        if app not in self._apps:
            known = ", ".join(self._apps) or "none is configured"
            raise RefusedError(f"there is no energy app '{app}'", f"name one of: {known}")
        record = self._appliances.get(appliance_id)
        if record is None:
            raise RefusedError(f"there is no appliance '{appliance_id}'", "see `efpi appliances`")
        if not record.steerable:
            raise RefusedError(f"'{appliance_id}' is measured only and cannot be controlled")
        if record.category not in self._apps[app].categories:
            raise RefusedError(f"'{app}' does not control {record.category.value} appliances")
        if self._would_close_circle(record, app):
            raise RefusedError(
                f"'{app}' would come to control itself through '{appliance_id}'", "connections must not run in a circle"
            )

    def candidates(self, record: ApplianceRecord) -> tuple[str, ...]:
        """The configured apps that could control an appliance."""
        if not record.steerable:
            return ()
        return tuple(
            app.instance
            for app in self._apps.values()
            if record.category in app.categories and not self._would_close_circle(record, app.instance)
        )

    def _would_close_circle(self, record: ApplianceRecord, app: str) -> bool:
        """Whether the app is, or is controlled by way of, the instance that brings the appliance."""
        above = {app}
        frontier = [app]
        while frontier:
            for higher in self._appliances.of_instance(frontier.pop()):
                if higher.app is not None and higher.app not in above:
                    above.add(higher.app)
                    frontier.append(higher.app)
        return record.instance in above

    def settle(self) -> None:
        """Carry out all decisions, and the automatic ones where there is exactly one answer."""
        for record in tuple(self._appliances):
            self.settle_one(record)

    def settle_one(self, record: ApplianceRecord) -> None:
        """The same for one appliance that came or changed: thousands may come, and each costs a look at itself."""
        app, note = self._answer(record)
        if app != record.app:
            self._change(record, app, note)

    def _answer(self, record: ApplianceRecord) -> tuple[str | None, str]:
        choice = self.choice(record.appliance_id)
        candidates = self.candidates(record)
        automatic = candidates[0] if len(candidates) == 1 else None
        app = automatic if choice is None else choice.app
        if app is None:
            return None, "no energy app was chosen"
        if app not in candidates:
            return None, f"'{app}' cannot control it"
        if not self._apps[app].running:
            return None, f"'{app}' is not running"
        return app, ""

    def views(self) -> tuple[ConnectionView, ...]:
        """Every appliance with its app and those that could be."""
        views = []
        for record in self._appliances:
            choice = self.choice(record.appliance_id)
            candidates = self.candidates(record)
            note = "" if record.app or not candidates else self._answer(record)[1]
            if choice is None and len(candidates) > 1:
                note = "several apps could control it; choose one with `efpi connections connect`"
            views.append(
                ConnectionView(record.appliance_id, record.app, candidates, choice is not None and choice.by_hand, note)
            )
        return tuple(views)
