"""The technician's view of an unknown meter: one JSON line for each telegram or fault, or a table for the eye."""

import json
from decimal import Decimal
from typing import Any

from efpi_driver_p1.errors import Fault, TelegramError
from efpi_driver_p1.line import Line, LogEntry
from efpi_driver_p1.meter_time import MeterTime
from efpi_driver_p1.obis import Kind
from efpi_driver_p1.quantity import Number, Quantity
from efpi_driver_p1.reading import DEVICE_TYPES, MbusMeter, read_mbus
from efpi_driver_p1.telegram import Telegram

_WIDEST = 56
JsonObject = dict[str, Any]
"""What json.dumps takes."""


def as_json(number: int, found: Telegram | TelegramError) -> str:
    """One line of JSON: the telegram with every line of it, or the fault with its place and cure."""
    report = _fault(found) if isinstance(found, TelegramError) else _telegram(found)
    return json.dumps({"telegram": number} | report)


def as_table(number: int, found: Telegram | TelegramError) -> str:
    """The same for reading on a screen."""
    if isinstance(found, TelegramError):
        return (
            f"#{number}  at byte {found.offset}: {found.fault.upper()} ({found.length} bytes)\n"
            f"    found: {found.detail}\n    cure:  {found.cure}\n"
        )
    rows = [(line.code, line.meaning.name, _shown(line), line.original) for line in found.lines]
    widths = [min(max(len(row[column]) for row in rows), _WIDEST) for column in range(3)]
    head = f"#{number}  {found.header}  {found.version}, CRC {'right' if found.has_crc else 'not sent'}"
    body = ["  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)) for row in rows]
    notes = [f"note: {note}" for note in found.notes]
    return "\n".join([head, *(f"    {line.rstrip()}" for line in (*body, *notes)), ""])


def is_harmless(found: Telegram | TelegramError) -> bool:
    """Whether this says nothing against the meter: a telegram, or the piece of one with which captures begin."""
    return not isinstance(found, TelegramError) or found.fault is Fault.CUT_START


def _telegram(telegram: Telegram) -> JsonObject:
    return {
        "ok": True,
        "offset": telegram.offset,
        "length": telegram.length,
        "header": telegram.header,
        "maker": telegram.maker,
        "model": telegram.model,
        "version": telegram.version,
        "equipment": telegram.equipment,
        "crc": "ok" if telegram.has_crc else "none",
        "time_utc": _utc(telegram.time),
        "values": [_value(line) for line in telegram.lines],
        "meters": [_meter(meter) for meter in read_mbus(telegram)],
        "notes": list(telegram.notes),
    }


def _fault(error: TelegramError) -> JsonObject:
    return {
        "ok": False,
        "offset": error.offset,
        "length": error.length,
        "header": error.header or None,
        "error": {"name": error.fault, "detail": error.detail, "cure": error.cure},
    }


def _value(line: Line) -> JsonObject:
    report: JsonObject = {"obis": line.code, "name": line.meaning.name, **_main(line), "original": line.original}
    if line.times:
        report["time_utc"] = _utc(line.times[0])
        if line.times[0].note:
            report["time_note"] = line.times[0].note
    if len(line.quantities) > 1:
        report["further"] = [_quantity(quantity) for quantity in line.quantities[1:]]
    if line.problem:
        report["problem"] = line.problem
    return report


def _main(line: Line) -> JsonObject:
    """The value in the type that fits its code: number with unit, text, instant, or the entries of a log."""
    if line.quantity:
        return _quantity(line.quantity)
    if line.meaning.kind is Kind.LOG:
        return {"value": [_entry(entry) for entry in line.entries], "unit": None}
    if line.meaning.kind is Kind.TIME and line.times:
        return {"value": _utc(line.times[0]), "unit": None}
    return {"value": line.text or line.original or None, "unit": None}


def _entry(entry: LogEntry) -> JsonObject:
    return {**_quantity(entry.quantity), "times_utc": [_utc(time) for time in entry.times]}


def _meter(meter: MbusMeter) -> JsonObject:
    return {
        "channel": meter.channel,
        "kind": meter.kind,
        "device_type": meter.device_type,
        "equipment": meter.equipment,
        **_quantity(meter.reading),
        "time_utc": _utc(meter.read_at),
        "valve": meter.valve,
    }


def _quantity(quantity: Quantity) -> JsonObject:
    return {"value": _number(quantity.value), "unit": quantity.unit}


def _number(value: Number) -> int | float:
    return float(value) if isinstance(value, Decimal) else value


def _utc(time: MeterTime | None) -> str | None:
    return time.utc.strftime("%Y-%m-%dT%H:%M:%SZ") if time and time.utc else None


def _shown(line: Line) -> str:
    """The value for the eye: energy in the meter's own unit, since people compare it with the display."""
    parts = [_people(quantity, line.original) for quantity in line.quantities]
    if line.obis.rest == "24.1.0" and line.quantity and (kind := DEVICE_TYPES.get(int(line.quantity.value))):
        parts[0] += f" ({kind})"
    parts += [line.text] if line.text is not None else []
    parts += [_utc(time) or "no date" for time in line.times]
    parts += [_shown_entry(entry, line.original) for entry in line.entries]
    return ", ".join(parts) or (line.original if line.meaning.kind is Kind.OTHER else "")


def _shown_entry(entry: LogEntry, original: str) -> str:
    times = ", ".join(_utc(time) or "no date" for time in entry.times)
    return f"{_people(entry.quantity, original)} at {times}" if times else _people(entry.quantity, original)


def _people(quantity: Quantity, original: str) -> str:
    if quantity.unit == "J":
        factor, unit = (3_600_000, "kWh") if "Wh" in original else (1_000_000_000, "GJ")
        return f"{(Decimal(quantity.value) / factor).normalize():f} {unit}"
    return f"{_number(quantity.value)} {quantity.unit or ''}".strip()
