"""What stands behind a port, for the technician before an unknown device: every unit, its models and its values."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from efpi_core.clock import RealClock
from efpi_driver_sunspec.bus import Bus
from efpi_driver_sunspec.chain import BASES, Chain, Found
from efpi_driver_sunspec.device import ALL, Device, Values
from efpi_driver_sunspec.errors import PortUnavailableError, SunSpecError, UnitSilentError
from efpi_driver_sunspec.flow import Fact, Flow
from efpi_driver_sunspec.section import Section, identify
from efpi_driver_sunspec.wire import TIMEOUT_S, Port


async def scan(port: Port, units: Iterable[int], timeout_s: float = TIMEOUT_S) -> AsyncIterator[dict[str, Any]]:
    """Ask each unit and yield what it is, as plain data; raises `PortUnavailableError` when the port does not open.

    Units that stay silent at every base address are left out.
    """
    bus = Bus(port, RealClock(), timeout_s=timeout_s, doubt_share=1.0)
    try:
        for unit in units:
            found = await _unit(bus, unit)
            if found is not None:
                yield found
    finally:
        bus.close()
        await asyncio.sleep(0)


async def _unit(bus: Bus, unit: int) -> dict[str, Any] | None:
    device = Device(bus, unit)
    for attempt in range(len(BASES)):
        try:
            chain = await device.scan()
            values = await device.read({found: ALL for found in chain.models if found.definition is not None})
        except PortUnavailableError:
            raise
        except UnitSilentError as error:
            if attempt == len(BASES) - 1:
                return None if bus.never_heard(unit) else _trouble(unit, error)
        except SunSpecError as error:
            return _trouble(unit, error)
        else:
            return _found(unit, chain, values)
    return None


def _trouble(unit: int, error: SunSpecError) -> dict[str, Any]:
    return {"unit": unit, "state": error.detail, "problem": error.problem, "cure": error.cure}


def _found(unit: int, chain: Chain, values: Values) -> dict[str, Any]:
    return {
        "unit": unit,
        "state": "ok",
        "base_address": chain.base,
        "remarks": list(chain.remarks),
        "models": [_model(found) for found in chain.models],
        "devices": [_device(identify(models, values), values) for models in chain.sections()],
    }


def _model(found: Found) -> dict[str, Any]:
    layout = found.definition
    name = "unknown" if layout is None else layout.name
    return {"id": found.id, "name": name, "address": found.address, "length": found.length}


def _device(section: Section, values: Values) -> dict[str, Any]:
    identity = section.identity
    device: dict[str, Any] = {
        "maker": identity.maker, "product": identity.product, "serial": identity.serial, "version": identity.version,
    }  # fmt: skip
    if section.inverter is not None:
        flow = section.inverter.flow(values)
        device["inverter"] = {"model": section.inverter.found.id, "rated_w": section.inverter.rated_w, **_flow(flow)}
    if section.battery is not None:
        state, ratings = section.battery.state(values), section.ratings
        device["battery"] = {
            "models": sorted(section.battery.models),
            "level_percent": state.level,
            "power_w": state.power_w,
            "capacity_wh": ratings.capacity_wh,
            "charge_w": ratings.charge_w,
            "discharge_w": ratings.discharge_w,
            **_facts(state.facts),
        }
    if section.meters:
        device["meters"] = [{"model": meter.found.id, **_flow(meter.flow(values))} for meter in section.meters]
    return device


def _flow(flow: Flow) -> dict[str, Any]:
    return {
        "power_w": flow.power_w,
        "phases_w": list(flow.phases_w) or None,
        "consumed_wh": None if flow.consumed is None else flow.consumed.reading_wh,
        "produced_wh": None if flow.produced is None else flow.produced.reading_wh,
        **_facts(flow.facts),
    }


def _facts(facts: Iterable[Fact]) -> dict[str, Any]:
    return {f"{fact.quantity} [{fact.unit}]" if fact.unit else fact.quantity: fact.value for fact in facts}
