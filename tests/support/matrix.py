"""The matrix of faults: plugin kind × moment × fault, each in a process of its own beside others that live and count.

A cell holds when the others start, lose no message and are never restarted; when the faulty one is named with a cure,
started again, quarantined when it goes on, and released by hand; and when nothing of it is left at the end.
"""

import asyncio
import contextlib
import itertools
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from efpi_core.clock import RealClock
from efpi_core.gateway.gateway import Gateway
from efpi_core.gateway.habits import Habits
from efpi_core.gateway.planning import Planner
from efpi_core.gateway.strain import Strain
from efpi_core.gateway.supervisor import Supervisor
from efpi_core.host import prctl
from efpi_core.host.catalogue import Found
from efpi_core.host.describe_child import ask
from efpi_core.host.frames import FromInstance
from efpi_core.host.hosts import Hosts
from efpi_core.host.launcher import ForkServerLauncher
from efpi_core.host.offer import Offer, PluginDescription
from efpi_core.state.state import State
from efpi_core.views import InstanceState, InstanceView
from tests.prove.case import Figures
from tests.support.hosted_world import PLUGINS, runs
from tests.support.real_gateway import descendants

KINDS = ("inflexible", "shiftable", "storage", "output", "demand", "app")
MOMENTS = ("import", "start", "handshake", "message", "running", "stop")
ENDING = ("raise", "hang", "exit", "busy", "leak", "output", "nonsense", "fork", "flood", "torrent")
"""Faults that end a life, by themselves or by the gateway's hand."""
LIVING = ("shed", "lie")
"""Faults that are contained while the plugin goes on."""
FAULTS = (*ENDING, *LIVING)
NEEDS_CONTEXT = ("flood", "torrent", *LIVING)
"""There is no context at the import."""

HABITS = Habits(
    start_s=6.0,
    ping_every_s=0.25,
    patience_s=2.0,
    handler_s=2.0,
    stop_s=1.5,
    memory_every_s=0.3,
    most_crashes=3,
    pauses_s=(0.1, 0.3, 0.7),
)
"""The usual ones, in a hurry."""

WITNESSES = ("witness", "asker", "greeter")
SEEN_WELL = 20
"""So many messages each way must have come, in order and without a gap, before a cell is judged."""
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Cell:
    """One fault of one kind of plugin at one moment."""

    kind: str
    moment: str
    fault: str

    @property
    def name(self) -> str:
        """Of the instance, too."""
        return f"f-{self.fault}-{self.kind[:4]}-{self.moment[:4]}"

    @property
    def ends(self) -> bool:
        """Whether its life ends by the fault."""
        return self.fault in ENDING and self.moment != "stop"


def _possible(moment: str, fault: str) -> bool:
    """At the import there is no context, and at the start nobody yet to whom to say anything."""
    if fault == "torrent":
        return moment not in ("import", "start", "handshake")
    return moment != "import" or fault not in NEEDS_CONTEXT


def all_cells() -> Iterator[Cell]:
    """Every cell that can be."""
    for kind, moment, fault in itertools.product(KINDS, MOMENTS, FAULTS):
        if _possible(moment, fault):
            yield Cell(kind, moment, fault)


def pairwise_cells() -> list[Cell]:
    """Every moment with every fault, the kinds taken in turn, so that each meets each moment and each fault."""
    chosen = []
    for moment_number, moment in enumerate(MOMENTS):
        for fault_number, fault in enumerate(FAULTS):
            if _possible(moment, fault):
                kind = KINDS[(moment_number + fault_number) % len(KINDS)]
                chosen.append(Cell(kind, moment, fault))
    met = {(cell.kind, cell.fault) for cell in chosen}
    for fault, kind in itertools.product(FAULTS, KINDS):
        if (kind, fault) not in met:
            busy = Counter(cell.moment for cell in chosen)
            moments = [moment for moment in ("start", "handshake", "message", "running") if _possible(moment, fault)]
            chosen.append(Cell(kind, min(moments, key=busy.__getitem__), fault))
    return chosen


class MatrixCatalogue:
    """The plugins of the matrix as if they were installed as wheels, with one module for each fault at the import."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offers: dict[str, Found] = {}
        os.environ["PYTHONPATH"] = os.pathsep.join((str(PLUGINS), str(folder)))
        facts = folder / "efpi_matrix-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: efpi-matrix\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text("[efpi]\nmatrix = matrix_plugin\n")
        self._described = PluginDescription.model_validate(ask("matrix_plugin"))
        self._add(self._described, "matrix")

    def add_import_fault(self, fault: str) -> None:
        """A plugin that is sound until it is imported by a host."""
        module = f"matrix_import_{fault}"
        package = self._folder / module
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text(
            f"from matrix_plugin.faults import PLAIN\nPLAIN[{fault!r}]()\nfrom matrix_plugin import efpi_plugins\n"
        )
        self._add(self._described.model_copy(update={"module": module}), module)

    def _add(self, plugin: PluginDescription, prefix: str) -> None:
        for offer in plugin.offers:
            name = f"{prefix}.{offer.name.partition('.')[2]}"
            self._offers[name] = Found(plugin, offer)

    def find(self, offer: str) -> tuple[PluginDescription, Offer] | None:
        """The plugin that offers it."""
        return self._offers.get(offer)

    settled = True

    def why_missing(self, offer: str) -> tuple[str, str]:
        """Never asked."""
        return f"there is no {offer}", ""


@dataclass
class Turn:
    """A turn of an instance's life."""

    at: float
    instance: str
    state: InstanceState
    text: str
    cure: str


@dataclass
class MatrixHouse:
    """A gateway with its witnesses and its faulty ones."""

    gateway: Gateway
    supervisor: Supervisor
    clock: RealClock
    began: float
    turns: list[Turn] = field(default_factory=list)
    pids: dict[str, int | None] = field(default_factory=dict)
    """The last process of each instance."""
    doubled: list[str] = field(default_factory=list)
    """Instances that began a life while the one before was not over."""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def on_frame(self, instance: str, frame: FromInstance) -> None:
        """An instance spoke."""
        self.gateway.on_frame(instance, frame)
        self.news.set()

    def on_state(self, instance: str, state: InstanceState, text: str, cure: str) -> None:
        """A turn."""
        self.turns.append(Turn(self.clock.elapsed(), instance, state, text, cure))
        former = self.pids.get(instance)
        if state is InstanceState.STARTING and former is not None and runs(former):
            self.doubled.append(instance)
        elif state is InstanceState.RUNNING:
            self.pids[instance] = self.view(instance).pid
        self.gateway.on_state(instance, state, text, cure)
        self.news.set()

    def on_strain(self, instance: str, strain: Strain | None) -> None:
        """A weight."""
        self.gateway.on_strain(instance, strain)

    def view(self, instance: str) -> InstanceView:
        """How an instance is doing."""
        return next(view for view in self.supervisor.views() if view.instance == instance)

    async def until(self, condition: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
        """Wait until something holds."""
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            views = [(v.instance, v.state.value, v.text, v.restarts) for v in self.supervisor.views()]
            raise AssertionError(f"not within {within_s:g} s: {what}; {views}") from None

    def tally(self, instance: str) -> tuple[int, int]:
        """How many numbered messages came to a witness, and how many did not."""
        slot = self.gateway.house.board.value(f"{instance}.tally")
        if slot is None or not isinstance(slot.value, str):
            return 0, 0
        came, lost, *_ = map(int, slot.value.split())
        return came, lost

    def of(self, instance: str, state: InstanceState) -> list[Turn]:
        """The turns of an instance into a state."""
        return [turn for turn in self.turns if turn.instance == instance and turn.state is state]


def site_text(cells: Sequence[Cell]) -> str:
    """The site: witnesses, faulty ones, and who controls whom."""
    lines = ["efpi: 1", "name: Matrix", "appliances:", "  witness: {driver: matrix.witness}"]
    drivers = [cell for cell in cells if cell.kind != "app"]
    apps = [cell for cell in cells if cell.kind == "app"]
    lines += [f"  {cell.name}: {{driver: {_offer(cell)}, config: {_config(cell)}}}" for cell in drivers]
    lines += [f"  p-{cell.name}: {{driver: matrix.storage}}" for cell in apps]
    lines += ["apps:", "  asker: {app: matrix.asker}", "  greeter: {app: matrix.greeter}"]
    lines += [f"  {cell.name}: {{app: {_offer(cell)}, config: {_config(cell)}}}" for cell in apps]
    lines += ["connections:", "  witness: asker", '  "f-*": greeter']
    lines += [f"  p-{cell.name}: {cell.name}" for cell in apps]
    return "\n".join(lines) + "\n"


def _offer(cell: Cell) -> str:
    prefix = f"matrix_import_{cell.fault}" if cell.moment == "import" else "matrix"
    return f"{prefix}.{cell.kind}"


def _config(cell: Cell) -> str:
    return "{}" if cell.moment == "import" else f"{{moment: {cell.moment}, fault: {cell.fault}}}"


@asynccontextmanager
async def matrix_house(cells: Sequence[Cell], folder: Path, habits: Habits = HABITS) -> Iterator[MatrixHouse]:
    """The gateway, started; ended in order, and nothing left of it."""
    prctl.adopt_orphans()
    before = set(descendants(os.getpid()))
    catalogue = MatrixCatalogue(folder)
    for cell in cells:
        if cell.moment == "import":
            catalogue.add_import_fault(cell.fault)
    clock = RealClock()
    state = State.in_memory(clock)
    gateway = Gateway(clock=clock, state=state)
    launcher = ForkServerLauncher(dict(os.environ))
    launcher.start()
    house = MatrixHouse(gateway, None, clock, clock.elapsed())  # type: ignore[arg-type]  # made in the next line
    house.supervisor = Supervisor(Hosts(launcher, patience_s=habits.patience_s), house, clock, habits)
    gateway.site.take_file("matrix", site_text(cells), "test")
    planner = Planner(catalogue, state, dict, clock.now, gateway.life)
    try:
        await gateway.start(house.supervisor, planner)
        yield house
    finally:
        ending = clock.elapsed()
        await gateway.stop(1.5)
        stop_s = clock.elapsed() - ending
    left = [pid for pid in set(descendants(os.getpid())) - before if runs(pid)]
    assert not left, {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in left}
    assert stop_s < PATIENCE_S


async def run_cells(cells: Sequence[Cell], folder: Path, habits: Habits = HABITS) -> Figures:
    """Let the faults happen and see that each cell holds; returns figures of each."""
    figures: Figures = {}
    async with matrix_house(cells, folder, habits) as house:
        await house.until(
            lambda: all(house.of(name, InstanceState.RUNNING) for name in WITNESSES), "the witnesses start"
        )
        figures["witnesses_ready_ms"] = round(
            max(house.of(name, InstanceState.RUNNING)[0].at - house.began for name in WITNESSES) * 1000
        )
        judged = await asyncio.gather(*(_judge(house, cell) for cell in cells))
        figures |= dict(zip((cell.name for cell in cells), judged, strict=True))
        before = {name: house.tally(name)[0] for name in ("witness", "asker")}
        await house.until(
            lambda: all(house.tally(name)[0] >= count + SEEN_WELL for name, count in before.items()),
            "the witnesses go on speaking",
        )
        for name in ("witness", "asker"):
            came, lost = house.tally(name)
            figures[f"{name}_came"], figures[f"{name}_lost"] = came, lost
            assert lost == 0, f"{name} lost {lost} of {came}"
        assert not house.doubled
        for name in WITNESSES:
            assert house.view(name).restarts == 0, [turn for turn in house.turns if turn.instance == name]
    return figures


async def _judge(house: MatrixHouse, cell: Cell) -> Figures:
    if cell.ends:
        return await _ends(house, cell)
    judges: dict[str, Callable[[MatrixHouse, Cell], Awaitable[Figures]]] = {"shed": _sheds, "lie": _lies}
    return await (judges[cell.fault] if cell.moment != "stop" else _stops)(house, cell)


async def _ends(house: MatrixHouse, cell: Cell) -> Figures:
    """It is named, restarted, quarantined, released."""
    name = cell.name
    await house.until(lambda: house.view(name).state is InstanceState.QUARANTINED, f"{name} is quarantined")
    view = house.view(name)
    assert view.text, view
    assert f"efpi restart {name}" in view.cure, view
    await house.until(lambda: not _left_of(cell), f"nothing of {name} is left", 5.0)
    pauses = []
    for crash in house.of(name, InstanceState.BACKING_OFF):
        assert crash.text and crash.cure, crash
        pauses.append(min(turn.at for turn in house.of(name, InstanceState.STARTING) if turn.at > crash.at) - crash.at)
    assert len(pauses) == HABITS.most_crashes - 1
    lives = len(house.of(name, InstanceState.STARTING))
    await house.gateway.restart_instance(name, "the test")
    await house.until(lambda: len(house.of(name, InstanceState.STARTING)) > lives, f"{name} is released")
    return {"restart_ms": round(max(pauses) * 1000), "why": view.text[:100]}


def _left_of(cell: Cell) -> list[int]:
    """The living processes that bear an instance's name: its own, and whatever it forked and however it hid that."""
    found = []
    for pid in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            comm = Path(f"/proc/{pid}/comm").read_text().strip()
            if comm == f"efpi:{cell.name}"[:15] and runs(pid):
                found.append(pid)
    return found


async def _sheds(house: MatrixHouse, cell: Cell) -> Figures:
    """It is counted and shown, and goes on."""
    name = cell.name
    await house.until(lambda: house.view(name).shed > 0, f"{name} is shed")
    assert house.view(name).restarts == 0, house.view(name)
    return {"shed": house.view(name).shed}


async def _lies(house: MatrixHouse, cell: Cell) -> Figures:
    """It is complained of, with a cure, and believed nothing."""
    name = cell.name

    def told() -> set[str]:
        return {event.kind for event in house.gateway.events(0, 2000) if event.subject == name and event.cure}

    wanted = {"not_its_observation", "bad_observation", "not_its_appliance", "bad_memory"}
    await house.until(lambda: wanted <= told(), f"{name} is complained of: {told()}")
    assert house.gateway.house.appliances.get("witness") is not None
    assert house.view(name).restarts == 0, house.view(name)
    return {"complaints": len(told())}


async def _stops(house: MatrixHouse, cell: Cell) -> Figures:
    """It is ended within the deadline all the same, and begun anew."""
    name = cell.name
    await house.until(lambda: house.view(name).state is InstanceState.RUNNING, f"{name} runs")
    await house.until(lambda: _is_there(house, cell), f"{name} is there")
    before = house.clock.elapsed()
    await house.gateway.restart_instance(name, "the test")
    stop_s = house.clock.elapsed() - before
    await house.until(lambda: house.view(name).state is InstanceState.RUNNING, f"{name} runs again")
    return {"stop_ms": round(stop_s * 1000)}


def _is_there(house: MatrixHouse, cell: Cell) -> bool:
    return cell.kind == "app" or house.gateway.house.appliances.get(cell.name) is not None


def grouped(cells: Iterable[Cell], key: Callable[[Cell], str]) -> dict[str, list[Cell]]:
    """Cells that share a house."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(key(cell), []).append(cell)
    return groups
