"""Figures for Prometheus, in its text format (version 0.0.4): a handful of families, so no library is needed."""

import asyncio
import os
import resource
from collections.abc import Iterator
from pathlib import Path

from efpi_core.gateway_api import GatewayApi
from efpi_core.plugin.observation import Quality

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[dict[str, str], float]

OPEN = frozenset({"accepted", "processing", "started"})


def metrics(gateway: GatewayApi) -> bytes:
    """All figures, as of now."""
    return "".join(_lines(gateway)).encode()


def _lines(gateway: GatewayApi) -> Iterator[str]:
    yield from _health(gateway)
    yield from _instances(gateway)
    yield from _appliances(gateway)
    yield from _balance(gateway)
    yield from _observations(gateway)
    yield from _history(gateway)
    yield from _process()


def _health(gateway: GatewayApi) -> Iterator[str]:
    health = gateway.health()
    yield from family(
        "efpi_info", "gauge", "Version and site.", [({"version": health.version, "site": health.site}, 1)]
    )
    yield from family("efpi_site_revision", "gauge", "Revision of the site in force.", [({}, health.revision)])
    yield from family("efpi_uptime_seconds", "gauge", "Time since the start.", [({}, health.uptime_s)])
    yield from family(
        "efpi_healthy", "gauge", "1 when nothing is degraded.", [({"status": health.status}, health.status == "ok")]
    )
    yield from family(
        "efpi_part_state",
        "gauge",
        "How each part of the gateway is doing; always 1.",
        [({"part": part.name, "state": part.state.value, "detail": part.detail}, 1) for part in health.parts],
    )
    yield from family(
        "efpi_events_total",
        "counter",
        "Events of the journal since the start, by level.",
        [({"level": level}, count) for level, count in health.told.items()],
    )


def _instances(gateway: GatewayApi) -> Iterator[str]:
    instances = gateway.instances()
    yield from family(
        "efpi_instance_running",
        "gauge",
        "1 while the plugin instance answers.",
        [
            ({"instance": view.instance, "offer": view.offer, "state": view.state.value}, view.state.value == "running")
            for view in instances
        ],
    )
    yield from family(
        "efpi_instance_state",
        "gauge",
        "How each plugin instance is doing; always 1.",
        [({"instance": view.instance, "state": view.condition.value, "detail": view.detail}, 1) for view in instances],
    )
    yield from family(
        "efpi_instance_restarts_total",
        "counter",
        "Restarts after a failure.",
        [({"instance": view.instance}, view.restarts) for view in instances],
    )

    yield from family(
        "efpi_instance_shed_total",
        "counter",
        "States and values that a newer one replaced while they waited.",
        [({"instance": view.instance}, view.shed) for view in instances],
    )
    yield from family(
        "efpi_instance_memory_bytes",
        "gauge",
        "Memory of the instance's process and all that it forked.",
        [({"instance": v.instance}, v.memory_bytes) for v in instances if v.memory_bytes is not None],
    )
    yield from family(
        "efpi_instance_cpu_share",
        "gauge",
        "CPU time that it takes, of one core.",
        [({"instance": v.instance}, v.cpu_share) for v in instances if v.cpu_share is not None],
    )


def _appliances(gateway: GatewayApi) -> Iterator[str]:
    appliances = gateway.appliances()
    yield from family(
        "efpi_appliance_online",
        "gauge",
        "1 while the appliance is within reach.",
        [({"appliance": view.id, "category": view.category}, view.state == "online") for view in appliances],
    )
    yield from family(
        "efpi_appliance_power_watts",
        "gauge",
        "Last measured power; positive consumes.",
        [
            ({"appliance": view.id, "role": view.role or ""}, view.power)
            for view in appliances
            if view.power is not None and view.power_quality is Quality.GOOD
        ],
    )
    yield from family(
        "efpi_appliance_allocations_open",
        "gauge",
        "Allocations under way.",
        [({"appliance": view.id}, sum(held.status in OPEN for held in view.allocations)) for view in appliances],
    )


def _balance(gateway: GatewayApi) -> Iterator[str]:
    balance = gateway.balance()
    parts = {
        "grid": balance.grid,
        "producers": balance.producers,
        "storages": balance.storages,
        "consumers": balance.consumers,
        "unmeasured": balance.unmeasured,
    }
    samples: list[Sample] = [({"part": part}, power) for part, power in parts.items() if power is not None]
    yield from family("efpi_balance_watts", "gauge", "Power of the house by role; positive consumes.", samples)


def _observations(gateway: GatewayApi) -> Iterator[str]:
    samples: list[Sample] = [
        ({"name": view.name, "unit": view.unit}, float(view.value))
        for view in gateway.observations()
        if isinstance(view.value, int | float) and view.quality is Quality.GOOD
    ]
    yield from family("efpi_observation", "gauge", "Last good value of an observation.", samples)


def _history(gateway: GatewayApi) -> Iterator[str]:
    if gateway.history is None:
        return
    figures = gateway.history.figures
    yield from family("efpi_history_bytes", "gauge", "Size of the history.", [({}, figures.used_bytes)])
    yield from family("efpi_history_most_bytes", "gauge", "What it may take.", [({}, figures.most_bytes)])
    yield from family(
        "efpi_history_written_bytes_total", "counter", "Bytes handed to the disk.", [({}, figures.written_bytes)]
    )
    yield from family(
        "efpi_history_lost_values_total", "counter", "Values lost while the disk refused.", [({}, figures.lost)]
    )


def _process() -> Iterator[str]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    yield from family(
        "process_cpu_seconds_total", "counter", "CPU time of the gateway.", [({}, usage.ru_utime + usage.ru_stime)]
    )
    descriptors = len(os.listdir("/proc/self/fd")) - 1  # noqa: PTH208  # a count; one is this look's own
    yield from family("process_open_fds", "gauge", "Open file descriptors of the gateway.", [({}, descriptors)])
    yield from family("efpi_tasks", "gauge", "Tasks in the gateway's event loop.", [({}, len(asyncio.all_tasks()))])
    yield from family(
        "process_resident_memory_bytes", "gauge", "Memory of the gateway.", [({}, pages * os.sysconf("SC_PAGESIZE"))]
    )


def family(name: str, kind: str, about: str, samples: list[Sample]) -> Iterator[str]:
    """One family of samples; none when there are no samples."""
    if not samples:
        return
    yield f"# HELP {name} {about}\n# TYPE {name} {kind}\n"
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{inside}}} {float(value):.15g}\n" if inside else f"{name} {float(value):.15g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
