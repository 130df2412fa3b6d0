"""Instances that a test plays: what the gateway asked of them is kept, and how each stands is the test's to say."""

from collections.abc import Mapping, Sequence

from efpi_core.errors import EfpiError
from efpi_core.gateway.instances import InstancePlan
from efpi_core.host.frames import ToInstance
from efpi_core.host.offer import Offer, OfferKind, PluginDescription
from efpi_core.plugin.categories import Category
from efpi_core.plugin.condition import ConditionState
from efpi_core.views import InstanceState, InstanceView

OFFERS = (
    Offer(name="driver", kind=OfferKind.DRIVER, title="Driver"),
    Offer(name="app", kind=OfferKind.APP, title="App", categories=(Category.STORAGE,)),
)
PLUGIN = PluginDescription(distribution="test-plugin", version="1.0", module="test_plugin", offers=OFFERS)


class Shelf:
    """The installed plugins: a driver and an app."""

    def find(self, offer: str) -> tuple[PluginDescription, Offer] | None:
        found = next((each for each in OFFERS if each.name == offer), None)
        return None if found is None else (PLUGIN, found)

    def why_missing(self, offer: str) -> tuple[str, str]:
        return f"no installed plugin offers '{offer}'", "install it"


class Staff:
    """All instances; each runs at once unless the test says otherwise."""

    def __init__(self) -> None:
        self.plans: tuple[InstancePlan, ...] = ()
        self.changes: list[tuple[tuple[str, ...], frozenset[str]]] = []
        self.states: dict[str, InstanceState] = {}
        self.texts: dict[str, str] = {}
        self.sent: list[tuple[str, ToInstance]] = []
        self.restarted: list[str] = []
        self.stopped: float | None = None
        self.fails: Mapping[str, EfpiError] = {}

    def send(self, instance: str, frame: ToInstance) -> None:
        self.sent.append((instance, frame))

    def views(self) -> tuple[InstanceView, ...]:
        return tuple(
            InstanceView(
                plan.spec.instance,
                plan.spec.kind,
                plan.spec.offer,
                self.states.get(plan.spec.instance, InstanceState.RUNNING),
                ConditionState.OK,
                text=self.texts.get(plan.spec.instance, ""),
            )
            for plan in self.plans
        )

    def offer(self, instance: str) -> Offer | None:
        return next((plan.offer for plan in self.plans if plan.spec.instance == instance), None)

    async def change(self, plans: Sequence[InstancePlan], changed: frozenset[str]) -> None:
        self.plans = tuple(plans)
        names = tuple(plan.spec.instance for plan in plans)
        self.changes.append((names, changed))
        for name in names:
            if name in self.fails:
                raise self.fails[name]

    async def restart(self, instance: str) -> None:
        self.restarted.append(instance)

    async def stop(self, deadline_s: float) -> None:
        self.stopped = deadline_s

    def left_in_disorder(self) -> tuple[str, ...]:
        return ()
