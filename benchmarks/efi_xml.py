"""EFI XML read into messages, beside lxml's parsing and schema validation of the same documents.

`python benchmarks/efi_xml.py` prints, for typical messages of both generations, the time of a CPU from bytes to
messages (parsed, validated, mapped, with losses and leniencies) and that of lxml, which makes no messages of it.
Each document has times, an id and a measure of its own, as in a conversation.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import cycle

from lxml import etree

from efi.commodity import Commodity, electric, electric_range
from efi.measurement import Measurement
from efi.messages import AnyMessage
from efi.registration import DeviceClass
from efi.running_mode import CostRange, Timer, TimerState, Transition
from efi.storage import (
    Actuator,
    ActuatorAllocation,
    ActuatorBehaviour,
    ActuatorState,
    StorageAllocation,
    StorageMode,
    StorageModeElement,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
    ValueRange,
)
from efi.types import NumberRange
from efi.xml.codec import Generation, XmlCodec
from efi.xml.lexical import instant_text
from efi.xml.schema.official import FILES

TARGET_MS, TARGET_RATIO = 0.3, 8

DIFFERENT = 3000
"""Documents of a kind, more than any memory of texts holds."""

SCHEMAS = {Generation.INTERIM: "efi-interim-2016.xsd", Generation.EFI_2: "efi-2.0.xsd"}

NOW = datetime(2026, 3, 29, 1, tzinfo=UTC)

HEAD = {"message_id": "message-1", "appliance_id": "battery", "timestamp": NOW}
UPDATE = {**HEAD, "valid_from": NOW}


def mode(number: int, generation: Generation) -> StorageMode:
    """A mode with a running cost: a range where the generation has such, else a point."""
    least = 0.0 if generation is Generation.EFI_2 else 1.0
    element = StorageModeElement(
        fill_level_range=NumberRange(lower=0.0, upper=100.0),
        fill_rate=ValueRange(start=0.01 * number * least, end=0.01 * number),
        power=electric_range(1000.0 * number * least, 1000.0 * number),
        running_cost=CostRange.point(Decimal("0.0001")),
    )
    return StorageMode(mode_id=f"0{number}", label=f"mode {number}", elements=(element,))


def description(modes: int, generation: Generation) -> StorageSystemDescription:
    """What a battery with so many modes can do, every way between them starting a timer."""
    names = [f"0{number}" for number in range(1, modes + 1)]
    behaviour = ActuatorBehaviour(
        actuator_id="01",
        modes=tuple(mode(number, generation) for number in range(1, modes + 1)),
        timers=(Timer(timer_id="09", label="least time on", duration=timedelta(minutes=5)),),
        transitions=tuple(
            way.model_copy(update={"start_timers": ("09",), "cost": Decimal("0.01")})
            for way in Transition.among(*names)
        ),
    )
    return StorageSystemDescription(
        **UPDATE, fill_level_range=NumberRange(lower=0.0, upper=100.0), actuators=(behaviour,)
    )


def messages(generation: Generation) -> dict[str, AnyMessage]:
    """Typical messages by name."""
    factor = 0.5 if generation is Generation.EFI_2 else None
    state = ActuatorState(
        actuator_id="01", mode_id="01", factor=factor, previous_mode_id="02", transition_started_at=NOW,
        timers=(TimerState(timer_id="09", finished_at=NOW),),
    )  # fmt: skip
    allocation = ActuatorAllocation(actuator_id="01", mode_id="02", factor=factor, start_time=NOW)
    actuator = Actuator(actuator_id="01", label="inverter", commodities=(Commodity.ELECTRICITY,))
    return {
        "measurement": Measurement(**HEAD, measured_at=NOW, values=electric(1500.5)),
        "storage registration": StorageRegistration(
            **HEAD, name="battery", device_class=DeviceClass.STATIONARY_BATTERY, commodities=(Commodity.ELECTRICITY,),
            fill_level_label="state of charge", fill_level_unit="%", actuators=(actuator,), currency="EUR",
        ),
        "storage status": StorageStateUpdate(**UPDATE, fill_level=50.5, actuators=(state,)),
        "storage allocation": StorageAllocation(**HEAD, control_space_update_id="update-1", actuators=(allocation,)),
        "description of 2 modes": description(2, generation),
        "description of 4 modes": description(4, generation),
    }  # fmt: skip


def cpu_us(work: Callable[[], object], seconds: float) -> float:
    """The least µs of a CPU that a call takes, of several runs."""
    work()
    started, rounds = time.process_time(), 0
    while time.process_time() - started < seconds / 10:
        work()
        rounds += 1
    best = float("inf")
    for _ in range(9):
        started = time.process_time()
        for _ in range(rounds):
            work()
        best = min(best, (time.process_time() - started) / rounds)
    return best * 1e6


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.6, help="of CPU for each figure")
    options = parser.parse_args()
    codec = XmlCodec()
    for generation in Generation:
        schema = etree.XMLSchema(etree.parse(FILES / SCHEMAS[generation]))
        for name, message in messages(generation).items():
            documents = told_again(codec.write([message], generation).messages[0])
            ours = cpu_us(partial(on_each, codec.read, cycle(documents)), options.seconds)
            theirs = cpu_us(partial(on_each, partial(parsed_and_valid, schema), cycle(documents)), options.seconds)
            print(
                f"{generation.value:8}{name:24}{len(documents[0]):6} bytes: {ours / 1000:6.3f} ms, "
                f"lxml {theirs / 1000:.3f} ms, ratio {ours / theirs:4.1f}   (target ≤ {TARGET_MS} ms, ≤ {TARGET_RATIO})"
            )


def told_again(text: str) -> list[bytes]:
    """A document as it is told from second to second."""
    return [
        text.replace(instant_text(NOW), instant_text(NOW + timedelta(seconds=number, microseconds=number)))
        .replace("message-1", f"message-{number}")
        .replace("1500.5", f"{number / 7}")
        .replace(">50.5<", f">{number / 70}<")
        .encode()
        for number in range(DIFFERENT)
    ]


def on_each(work: Callable[[bytes], object], documents: Iterator[bytes]) -> None:
    """Work on the next document."""
    work(next(documents))


def parsed_and_valid(schema: etree.XMLSchema, data: bytes) -> None:
    """What lxml does with a document."""
    schema.assertValid(etree.fromstring(data))


if __name__ == "__main__":
    main()
