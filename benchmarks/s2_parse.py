"""S2 read, mapped and validated, beside s2-python's parse alone.

`python benchmarks/s2_parse.py` prints, for FRBC.StorageStatus and an FRBC.SystemDescription of four modes, µs of CPU
beside s2-python's and the targets. Mapped is: JSON → our S2 model → the interface's messages, judged by the rules of
their session, with the report of what is lost. The last column is the whole way of a frame through an S2 session.
A description is measured three times: in other words than the one before, in the very same words, and in other
words from a device whose state is known and is told anew with it.
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from s2python.s2_parser import S2Parser

from efi.s2.cem_session import CemSession
from efi.s2.codec import dump, parse
from efi.s2.common import ControlType
from efi.s2.conversation import Handshake, ReceptionStatus
from efi.s2.mapping.device_side import DeviceSide
from efi.s2.profile import Profile

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
L1 = "ELECTRIC.POWER.L1"
MODES = (("off", 0), ("eco", 1000), ("normal", 2000), ("boost", 3000))
LEVELS = ((0, 80), (80, 100))

Frames = Sequence[bytes]
Way = Callable[[bytes], Any]


def frame(message_type: str, **fields: Any) -> bytes:
    """One message, with an id of its own."""
    return json.dumps({"message_type": message_type, "message_id": str(uuid4()), **fields}).encode()


DETAILS = frame(
    "ResourceManagerDetails",
    resource_id=str(uuid4()),
    roles=[{"role": "ENERGY_STORAGE", "commodity": "ELECTRICITY"}],
    instruction_processing_delay=100,
    available_control_types=["FILL_RATE_BASED_CONTROL"],
    provides_forecast=False,
    provides_power_measurement_types=[L1],
)


def span(start: float, end: float) -> dict[str, float]:
    """A NumberRange."""
    return {"start_of_range": start, "end_of_range": end}


def element(watts: float, low: float, high: float) -> dict[str, Any]:
    """What a mode does in a range of fill levels."""
    return {
        "fill_level_range": span(low, high),
        "fill_rate": span(0, watts / 36_000),
        "power_ranges": [{**span(0, watts), "commodity_quantity": L1}],
    }


IDS = {name: str(uuid4()) for name in ("actuator", "timer", *(name for name, _ in MODES))}
"""A device keeps its ids when it describes itself anew."""

WAYS = [(str(uuid4()), IDS[one], IDS[other]) for (one, _), (other, _) in itertools.permutations(MODES, 2)]


def description(more_w: float = 0) -> bytes:
    """A storage with one actuator of four modes, every transition among them, and a timer."""
    return frame(
        "FRBC.SystemDescription",
        valid_from=NOW.isoformat(),
        actuators=[
            {
                "id": IDS["actuator"],
                "supported_commodities": ["ELECTRICITY"],
                "operation_modes": [
                    {
                        "id": IDS[name],
                        "diagnostic_label": name,
                        "elements": [element(watts + more_w, *levels) for levels in LEVELS],
                        "abnormal_condition_only": False,
                    }
                    for name, watts in MODES
                ],
                "transitions": [
                    {
                        "id": name,
                        "from": one,
                        "to": other,
                        "start_timers": [IDS["timer"]],
                        "blocking_timers": [IDS["timer"]],
                        "abnormal_condition_only": False,
                    }
                    for name, one, other in WAYS
                ],
                "timers": [{"id": IDS["timer"], "duration": 60_000}],
            }
        ],
        storage={
            "fill_level_label": "%",
            "provides_leakage_behaviour": False,
            "provides_fill_level_target_profile": False,
            "provides_usage_forecast": False,
            "fill_level_range": span(0, 100),
        },
    )


def status(number: int) -> bytes:
    """A fill level."""
    return frame("FRBC.StorageStatus", present_fill_level=number % 100)


def repeated(number: int) -> bytes:
    """A description, whatever its number."""
    return description()


def changed(number: int) -> bytes:
    """A description, in other words than the one before."""
    return description(number % 2 + 1)


def s2python() -> Way:
    """s2-python's parse."""
    return S2Parser().parse_as_any_message


def ours() -> Way:
    """Our parse."""
    return lambda data: parse(data, Profile.BETA)


def mapped(with_state: bool) -> Way:
    """Our parse, and the map into the interface."""
    side = DeviceSide("bench", profile=Profile.BETA, new_id=lambda: str(uuid4()))

    def way(data: bytes) -> Any:
        translation = side.hear(parse(data, Profile.BETA), NOW)
        assert translation.refusal is None, translation.refusal
        return translation

    way(DETAILS)
    side.select(ControlType.FILL_RATE_BASED_CONTROL, NOW)
    way(description())
    if with_state:
        way(status(50))
    return way


def conversed(with_state: bool) -> Way:
    """The whole way: the session's rules, the map, and the acknowledgement written."""
    side = DeviceSide("bench", profile=Profile.BETA, new_id=lambda: str(uuid4()))
    session = CemSession(
        new_id=lambda: str(uuid4()),
        judge=lambda message: None if isinstance(message, Handshake) else side.hear(message, NOW).refusal,
    )

    def way(data: bytes) -> Any:
        outcome = session.receive(data, 0)
        for message in outcome.to_peer:
            dump(message)
        return outcome

    session.start(0)
    way(frame("Handshake", role="RM", supported_protocol_versions=["0.0.2-beta"]))
    way(DETAILS)
    (select,) = (each for each in side.select(ControlType.FILL_RATE_BASED_CONTROL, NOW).to_s2)
    session.send(select, 0)
    way(dump(ReceptionStatus(subject_message_id=getattr(select, "message_id", ""), status="OK")))
    answers = [way(description()).to_peer[0]]
    if with_state:
        answers.append(way(status(50)).to_peer[0])
    assert all(isinstance(answer, ReceptionStatus) and answer.status == "OK" for answer in answers), answers
    return way


def us_each(way: Way, frames: Frames) -> float:
    """µs of CPU a frame."""
    begun = time.process_time()
    for each in frames:
        way(each)
    return (time.process_time() - begun) / len(frames) * 1e6


def measure(name: str, make: Callable[[int], bytes], count: int, target: str, with_state: bool = True) -> None:
    """Print one line: the least of seven rounds, in which the ways take turns."""
    ways = [s2python(), ours(), mapped(with_state), conversed(with_state)]
    rounds = [[us_each(way, [make(number) for number in range(count)]) for way in ways] for _ in range(7)]
    theirs, parsed, mapping, whole = (min(each) for each in zip(*rounds, strict=True))
    print(
        f"{name:33} s2-python {theirs:6.1f} µs   parsed {parsed:6.1f} = {parsed / theirs:4.2f}x   "
        f"mapped {mapping:6.1f} = {mapping / theirs:4.2f}x {target}   "
        f"through the session {whole:6.1f} = {whole / theirs:4.2f}x"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how often to measure")
    for _ in range(parser.parse_args().rounds):
        measure("FRBC.StorageStatus", status, 2000, "(target ≤ 4.0x)")
        measure("FRBC.SystemDescription", changed, 100, "(target ≤ 2.5x)", with_state=False)
        measure("FRBC.SystemDescription as before", repeated, 100, "(target ≤ 2.5x)", with_state=False)
        measure("FRBC.SystemDescription and state", changed, 100, " " * 15)


if __name__ == "__main__":
    main()
