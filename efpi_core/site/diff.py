"""What changes between two sites, for people and for the gateway, which keeps running what did not change."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from pydantic import JsonValue

from efpi_core.site.document import Site
from efpi_core.site.expand import InstanceSpec, instances
from efpi_core.site.problem import Path, path_text

_FACTS = ("name", "location", "time_zone", "currency", "tariff", "preferences", "comfort")


class Absent(Enum):
    """Stands for a value that is not written; null is a value."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One value that differs."""

    path: str
    before: JsonValue | Absent
    after: JsonValue | Absent

    def __str__(self) -> str:
        """`config.port: '/dev/ttyUSB0' → '/dev/ttyUSB1'`."""
        if self.before is ABSENT:
            return f"{self.path}: {self.after!r} (new)"
        if self.after is ABSENT:
            return f"{self.path}: {self.before!r} (gone)"
        return f"{self.path}: {self.before!r} → {self.after!r}"

    def as_json(self) -> dict[str, JsonValue]:
        """For programs; a value that is not written has no key here, either."""
        told: dict[str, JsonValue] = {"path": self.path}
        if not isinstance(self.before, Absent):
            told["before"] = self.before
        if not isinstance(self.after, Absent):
            told["after"] = self.after
        return told


@dataclass(frozen=True, slots=True)
class InstanceChange:
    """An instance that stays, and becomes another."""

    spec: InstanceSpec
    """As it shall be."""
    values: tuple[ValueChange, ...]

    @property
    def restart(self) -> bool:
        """Whether it must be started anew; another name for people needs no restart."""
        return any(value.path != "name" for value in self.values)


@dataclass(frozen=True, slots=True)
class SiteDiff:
    """All that differs. Where an entry stands in the document, and its comments, make no difference."""

    added: tuple[InstanceSpec, ...] = ()
    removed: tuple[InstanceSpec, ...] = ()
    changed: tuple[InstanceChange, ...] = ()
    facts: tuple[ValueChange, ...] = ()
    """Of place, zone, currency, tariff, wishes: what every plugin is told at its start."""
    limits: tuple[ValueChange, ...] = ()
    connections: tuple[ValueChange, ...] = ()
    history: tuple[ValueChange, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything differs."""
        instances = self.added or self.removed or self.changed
        return bool(instances or self.facts or self.limits or self.connections or self.history)

    @property
    def restart_all(self) -> bool:
        """Whether every instance starts anew, since each is told these facts at its start; the name can wait."""
        return any(value.path != "name" for value in self.facts)

    @property
    def touched(self) -> frozenset[str]:
        """The instances that start anew because of it."""
        restarted = (change.spec.instance for change in self.changed if change.restart)
        return frozenset((*restarted, *(spec.instance for spec in self.added)))

    def lines(self) -> Iterator[str]:
        """For people: + new, - gone, ~ changed."""
        for spec in self.removed:
            yield f"- {spec.instance} ({spec.kind} {spec.offer})"
        for spec in self.added:
            yield f"+ {spec.instance} ({spec.kind} {spec.offer})"
        for change in self.changed:
            yield f"~ {change.spec.instance}{' (starts anew)' if change.restart else ''}"
            for value in change.values:
                yield f"    {value}"
        for value in (*self.facts, *self.limits, *self.connections, *self.history):
            yield f"~ {value}"
        if self.restart_all:
            yield "  (all instances start anew, since each is told of this at its start)"

    def as_json(self) -> dict[str, JsonValue]:
        """For programs."""
        return {
            "added": [_spec_json(spec) for spec in self.added],
            "removed": [_spec_json(spec) for spec in self.removed],
            "changed": [
                {
                    "instance": change.spec.instance,
                    "restart": change.restart,
                    "values": [value.as_json() for value in change.values],
                }
                for change in self.changed
            ],
            "facts": [value.as_json() for value in self.facts],
            "limits": [value.as_json() for value in self.limits],
            "connections": [value.as_json() for value in self.connections],
            "history": [value.as_json() for value in self.history],
        }


def diff_sites(before: Site, after: Site) -> SiteDiff:
    """What changes when one site takes the place of another."""
    old = {spec.instance: spec for spec in instances(before)}
    new = {spec.instance: spec for spec in instances(after)}
    both = ((old[name], spec) for name, spec in new.items() if name in old)
    changes = (InstanceChange(spec, tuple(_differences(_settings(was), _settings(spec)))) for was, spec in both)
    old_data, new_data = (site.model_dump(mode="json", by_alias=True) for site in (before, after))
    return SiteDiff(
        added=tuple(spec for name, spec in new.items() if name not in old),
        removed=tuple(spec for name, spec in old.items() if name not in new),
        changed=tuple(change for change in changes if change.values),
        facts=tuple(value for key in _FACTS for value in _differences(old_data[key], new_data[key], (key,))),
        limits=tuple(_differences(old_data["limits"], new_data["limits"], ("limits",))),
        connections=_connection_differences(before, after),
        history=tuple(_differences(old_data["history"], new_data["history"], ("history",))),
    )


def _settings(spec: InstanceSpec) -> JsonValue:
    return {
        "kind": spec.kind,
        spec.kind: spec.offer,
        "name": spec.name,
        "run": "hosted" if spec.hosted else "inline",
        "config": spec.config,
        "budget": spec.budget.model_dump(mode="json", exclude_defaults=True),
    }


def _spec_json(spec: InstanceSpec) -> JsonValue:
    return {"instance": spec.instance, "kind": spec.kind, "offer": spec.offer}


def _connection_differences(before: Site, after: Site) -> tuple[ValueChange, ...]:
    """Connections, whose order counts; no app is shown as "nobody"."""
    old, new = ({key: app or "nobody" for key, app in site.connections.items()} for site in (before, after))
    found = tuple(_differences({**old}, {**new}, ("connections",)))
    if not found and list(old) != list(new):
        return (ValueChange("connections (their order)", ", ".join(old), ", ".join(new)),)
    return found


def _differences(before: JsonValue | Absent, after: JsonValue | Absent, path: Path = ()) -> Iterator[ValueChange]:
    """The innermost values that differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in (*before, *(key for key in after if key not in before)):
            yield from _differences(before.get(key, ABSENT), after.get(key, ABSENT), (*path, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(old, new, (*path, index))
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield ValueChange(path_text(path), before, after)
