"""Which plugins are installed and what they offer, without importing any of them."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from pydantic import JsonValue, ValidationError

from efpi_core.errors import PluginFailure
from efpi_core.host.config_check import ConfigProblem, schema_problems
from efpi_core.host.describe_child import LARGEST_ANSWER as LARGEST_DESCRIPTION
from efpi_core.host.describe_child import ask
from efpi_core.host.offer import PLUGIN_API, Offer, PluginDescription
from efpi_core.host.package_files import DESCRIPTION_FILE, fingerprint, is_editable, package_directory
from efpi_core.nearest import nearest
from efpi_core.plugin.hookspecs import PROJECT

LOOKED_AT_ONCE = 4
"""Plugins that are looked at beside each other."""

PENDING = "its import has not returned yet"
PENDING_CURE = "wait; importing a plugin must do nothing but define"


class Found(NamedTuple):
    """An offer and the plugin that makes it."""

    plugin: PluginDescription
    offer: Offer


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """One entry point of the group `efpi`; `problem` says why it cannot be used, if so."""

    name: str
    """Of the entry point."""
    module: str
    distribution: str
    version: str
    description: PluginDescription | None = None
    problem: str = ""
    cure: str = ""


class Catalogue:
    """The installed plugins, in the order of their entry points. It blocks while it looks: up to a second a plugin
    that comes from a working copy which changed, milliseconds otherwise.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._cache = cache or default_cache(os.environ)
        self._plugins: tuple[InstalledPlugin, ...] = ()
        self._offers: dict[str, Found] = {}
        self._looks: list[tuple[EntryPoint, Future[InstalledPlugin]]] = []

    def scan(self, patience_s: float | None = None) -> None:
        """Look at what is installed; what takes longer than so many seconds is left to `scan_on`."""
        entries = sorted(entry_points(group=PROJECT), key=lambda entry: entry.name)
        self._looks = [(entry, Future()) for entry in entries if not _is_platforms(entry)]
        waiting: SimpleQueue[tuple[EntryPoint, Future[InstalledPlugin]]] = SimpleQueue()
        for look in self._looks:
            waiting.put(look)
        for _ in range(min(LOOKED_AT_ONCE, len(self._looks))):  # each may wait for a child; none may hold up the end
            Thread(target=self._look_through, args=(waiting,), name="efpi catalogue", daemon=True).start()
        wait([look for _, look in self._looks], patience_s)
        self._note_looks()

    def scan_on(self) -> None:
        """Take note of what came since; never waits."""
        self._note_looks()

    @property
    def settled(self) -> bool:
        """Whether all that is installed has been looked at."""
        return self.pending == 0

    @property
    def pending(self) -> int:
        """How many are still being looked at."""
        return sum(plugin.problem == PENDING for plugin in self._plugins)

    def _look_through(self, waiting: "SimpleQueue[tuple[EntryPoint, Future[InstalledPlugin]]]") -> None:
        with contextlib.suppress(Empty):
            while True:
                entry, look = waiting.get_nowait()
                try:
                    look.set_result(self._look_at(entry))
                except Exception as error:  # noqa: BLE001  # a thread's failure is its look's
                    look.set_exception(error)

    def _note_looks(self) -> None:
        self._plugins = tuple(look.result() if look.done() else _pending(entry) for entry, look in self._looks)
        self._offers = {}
        for plugin in self._plugins:
            if plugin.description is not None:
                for offer in plugin.description.offers:
                    self._offers.setdefault(offer.name, Found(plugin.description, offer))

    def _look_at(self, entry: EntryPoint) -> InstalledPlugin:
        name = entry.dist.name if entry.dist is not None else "?"
        version = entry.dist.version if entry.dist is not None else "?"
        try:
            description = self._description(entry)
            _require_api(description)
        except PluginFailure as failure:
            return InstalledPlugin(entry.name, entry.value, name, version, None, failure.problem, failure.cure)
        return InstalledPlugin(entry.name, entry.value, name, version, description)

    def _description(self, entry: EntryPoint) -> PluginDescription:
        directory = package_directory(entry.value)
        if entry.dist is not None and not is_editable(entry.dist):
            shipped = read_description(directory / DESCRIPTION_FILE)
            if shipped is not None and shipped.module == entry.value and shipped.version == entry.dist.version:
                return shipped
        return self._described(entry, directory)

    def _described(self, entry: EntryPoint, directory: Path) -> PluginDescription:
        """What a describe child says, or said when the package's files were the same."""
        facts = (entry.value, entry.dist.version if entry.dist is not None else "")
        kept = self._cache / f"{entry.value}-{fingerprint(directory, *facts)[:32]}.json"
        description = read_description(kept)
        if description is None:
            description = _valid(entry.value, ask(entry.value))
            self._keep(kept, description)
        return description

    def _keep(self, path: Path, description: PluginDescription) -> None:
        """Keep a description for the next time; a cache that cannot be written only costs time."""
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            for old in path.parent.glob(f"{description.module}-*.json"):
                old.unlink(missing_ok=True)
            written = path.with_suffix(f".{os.getpid()}")
            written.write_text(description.model_dump_json(), encoding="utf-8")
            written.replace(path)

    # --- what it knows

    @property
    def plugins(self) -> tuple[InstalledPlugin, ...]:
        """All that is installed, the broken ones too."""
        return self._plugins

    @property
    def offers(self) -> tuple[Found, ...]:
        """All drivers and apps that can be used."""
        return tuple(self._offers.values())

    def find(self, offer: str) -> Found | None:
        """The plugin that offers a driver or app of this name."""
        return self._offers.get(offer)

    def why_missing(self, offer: str) -> tuple[str, str]:
        """Why no plugin offers it, and the cure."""
        for plugin in self._plugins:
            if plugin.problem and offer.partition(".")[0] in (plugin.name, offer):
                told = f"the plugin {plugin.distribution} {plugin.version}"
                word = "cannot be used yet" if plugin.problem == PENDING else "is broken"
                return f"{told} {word}: {plugin.problem}", plugin.cure
        problem = f"no installed plugin offers '{offer}'"
        near = nearest(offer, self._offers)
        if near:
            return problem, f"did you mean '{near}'?"
        broken = ", ".join(plugin.distribution for plugin in self._plugins if plugin.problem)
        cure = "install the plugin that does; see `efpi plugins`"
        return problem, f"{cure} (broken: {broken})" if broken else cure

    # --- settings

    def validate_config(self, offer: str, config: Mapping[str, JsonValue]) -> list[ConfigProblem]:
        """All that is wrong with settings, by the plugin's schema and, in a child, by its own checks. Blocks."""
        return self.validate_configs([(offer, config)])[0]

    def validate_configs(self, wishes: Sequence[tuple[str, Mapping[str, JsonValue]]]) -> list[list[ConfigProblem]]:
        """The same for many at once, with one child a plugin."""
        results: list[list[ConfigProblem]] = []
        left: dict[str, list[int]] = {}
        for number, (name, config) in enumerate(wishes):
            found = self.find(name)
            if found is None:
                results.append([ConfigProblem((), *self.why_missing(name))])
                continue
            results.append(schema_problems(found.offer.config_schema, config))
            if found.offer.own_checks and not results[number]:
                left.setdefault(found.plugin.module, []).append(number)
        for module, numbers in left.items():
            for number, problems in zip(numbers, _own_checks(module, [wishes[n] for n in numbers]), strict=True):
                results[number] = problems
        return results


def _own_checks(module: str, wishes: Sequence[tuple[str, Mapping[str, JsonValue]]]) -> Iterator[list[ConfigProblem]]:
    try:
        answers = ask(module, "--check", question=[[offer, dict(config)] for offer, config in wishes])
        yield from _understood(module, answers, len(wishes))
    except PluginFailure as failure:
        yield from [[ConfigProblem((), failure.problem, failure.cure)] for _ in wishes]


def _understood(module: str, answers: Any, count: int) -> list[list[ConfigProblem]]:
    """What a plugin's own checks found; its code may have written anything."""
    try:
        told = [[ConfigProblem(tuple(path), str(p), str(c)) for path, p, c in answer] for answer in answers]
    except (TypeError, ValueError):
        told = []
    if len(told) != count:
        raise PluginFailure(f"the checks of {module} answer nonsense", "report this to the plugin's author")
    return told


def _pending(entry: EntryPoint) -> InstalledPlugin:
    """A plugin that is still being looked at."""
    name, version = (entry.dist.name, entry.dist.version) if entry.dist is not None else ("?", "?")
    return InstalledPlugin(entry.name, entry.value, name, version, None, PENDING, PENDING_CURE)


def _is_platforms(entry: EntryPoint) -> bool:
    """Whether the platform itself brings it: such parts run inside the gateway, and are not described."""
    return entry.dist is not None and entry.dist.name == PROJECT


def _require_api(description: PluginDescription) -> None:
    major, minor = description.api
    if major != PLUGIN_API[0] or minor > PLUGIN_API[1]:
        ours = f"{PLUGIN_API[0]}.{PLUGIN_API[1]}"
        raise PluginFailure(
            f"it is made for version {major}.{minor} of the plugin API, and this gateway has {ours}",
            "update efpi" if (major, minor) > PLUGIN_API else "install a newer release of the plugin",
        )


def read_description(path: Path) -> PluginDescription | None:
    """A description from a file; None when there is none that can be read."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_DESCRIPTION + 1)
        return PluginDescription.model_validate_json(content) if len(content) <= LARGEST_DESCRIPTION else None
    except (OSError, ValidationError):
        return None


def _valid(module: str, answer: object) -> PluginDescription:
    try:
        return PluginDescription.model_validate(answer)
    except ValidationError as error:
        raise PluginFailure(f"{module} describes itself in a way that is not understood: {error}") from None


def default_cache(environment: Mapping[str, str]) -> Path:
    """Where descriptions are kept when nobody says: the service manager's cache directory, or the user's."""
    if given := environment.get("CACHE_DIRECTORY"):
        return Path(given.split(":")[0]) / "plugins"
    kept = environment.get("XDG_CACHE_HOME", "")
    base = Path(kept) if kept.startswith("/") else Path.home() / ".cache"
    return base / "efpi" / "plugins"
