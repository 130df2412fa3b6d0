"""Messages that the interim form tells within another, and all that its mapping declares."""

import importlib
import pkgutil
import re
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efi.commodity import Commodity, CommodityQuantity
from efi.conversion import LossKind
from efi.inflexible import (
    CurtailmentElement,
    CurtailmentOption,
    CurtailmentProfile,
    InflexibleAllocation,
    InflexibleCurtailmentOptions,
    InflexibleRegistration,
    LimitKind,
)
from efi.measurement import EnergyReading, Measurement
from efi.messages import AnyMessage
from efi.output_adjustable import OutputAdjustableMode, OutputAdjustableSystemDescription
from efi.running_mode import Timer
from efi.storage import (
    LeakageElement,
    StorageLeakageUpdate,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    TargetElement,
)
from efi.types import NumberRange
from efi.wires import declared
from efi.xml import interim
from efi.xml.interim.codec import InterimCodec
from efi.xml.names import NameTable
from efi.xml.parser import parse
from efi.xml.writer import render
from tests.efi.house import NOON, battery_description, battery_registration, stamp
from tests.efi.strategies import MESSAGES
from tests.efi.xml.differences import differing, unaccounted
from tests.efi.xml.interim_rarities import rarities
from tests.efi.xml.test_efi_xml_interim_all import CALORIFIC_VALUE, written_and_read
from tests.efi.xml.test_efi_xml_interim_examples import example

PAIRS: tuple[tuple[type[Any], type[Any]], ...] = (
    (InflexibleRegistration, InflexibleCurtailmentOptions),
    (StorageSystemDescription, StorageLeakageUpdate),
)


def modules() -> list[ModuleType]:
    return [
        importlib.import_module(f"{interim.__name__}.{each.name}") for each in pkgutil.iter_modules(interim.__path__)
    ]


@pytest.mark.parametrize("kinds", PAIRS, ids=lambda kinds: kinds[1].__name__)
def test_two_messages_of_one_document_come_back_but_for_what_is_reported(kinds: tuple[type[Any], type[Any]]) -> None:
    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.tuples(*(MESSAGES[kind] for kind in kinds)), st.sampled_from((None, CALORIFIC_VALUE)))
    def check(pair: tuple[AnyMessage, AnyMessage], calorific_value: Any) -> None:
        holder, companion = _of_one_appliance(pair)
        written, read = written_and_read((holder, companion), calorific_value=calorific_value)
        for before, after in zip((holder, companion), read, strict=False):
            assert not unaccounted(differing(before.model_dump(), after.model_dump()), written.losses)
        if len(read) < 2:
            assert written.losses
        again, reread = written_and_read(tuple(read), calorific_value=calorific_value)
        assert reread == read
        if len(read) == 2:
            assert len(again.messages) == 1

    check()


def test_curtailment_options_that_come_later_register_the_appliance_anew() -> None:
    registration = InflexibleRegistration(
        **stamp(appliance_id="panels"), name="Panels", commodities=(Commodity.ELECTRICITY,)
    )
    options = curtailment(LimitKind.LOWER, (-2000, 0))
    codec = InterimCodec()
    assert len(codec.write((registration,)).messages) == 1
    anew = codec.write((options,))
    assert "curtailmentOptions" in render(anew.messages[0])
    assert anew.losses[0].path == ""
    assert not InterimCodec().write((options,)).messages


def test_leakage_that_comes_later_describes_the_storage_anew() -> None:
    description = battery_description()
    leakage = StorageLeakageUpdate(**stamp(), valid_from=NOON, elements=(STILL,))
    codec = InterimCodec()
    codec.write((battery_registration(), description))
    anew = codec.write((leakage,))
    assert "leakageRatePerSecond" in render(anew.messages[0])
    assert anew.losses[0].path == ""
    assert not InterimCodec().write((leakage,)).messages


def curtailment(limit: LimitKind, *ranges: tuple[float, float], **fields: Any) -> InflexibleCurtailmentOptions:
    option = CurtailmentOption(
        quantity=CommodityQuantity.ELECTRIC_POWER,
        limit=limit,
        ranges=tuple(NumberRange(lower=lower, upper=upper) for lower, upper in ranges),
    )
    return InflexibleCurtailmentOptions(**stamp(appliance_id="panels"), valid_from=NOON, options=(option,), **fields)


UNSAYABLE = "\ufffe"
STILL = LeakageElement(fill_level_range=NumberRange(lower=0, upper=1), rate=0.0)


def crafted() -> list[tuple[AnyMessage, ...]]:
    """Messages of what chance makes too seldom."""
    registration = InflexibleRegistration(
        **stamp(appliance_id="panels"), name="Panels", commodities=(Commodity.ELECTRICITY,)
    )
    description = battery_description()
    modes = description.actuators[0].modes
    labelled = description.actuators[0].model_copy(
        update={
            "modes": (modes[0].model_copy(update={"label": UNSAYABLE}), *modes[1:]),
            "timers": tuple(timer.model_copy(update={"label": UNSAYABLE}) for timer in description.actuators[0].timers),
            "transitions": tuple(reversed(description.actuators[0].transitions)),
        }
    )
    battery = battery_registration(fill_level_label=UNSAYABLE, fill_level_unit=UNSAYABLE)
    actuator = battery.actuators[0].model_copy(update={"label": UNSAYABLE})
    none = curtailment(LimitKind.LOWER, (-1, 0)).model_copy(update={"options": ()})
    return [
        (registration, curtailment(LimitKind.UPPER, (-5, -1), (-1, 1))),
        (registration, none),
        (
            description.model_copy(
                update={
                    "actuators": (labelled,),
                    "label": "store",
                    "provides_leakage": True,
                    "provides_usage_forecast": True,
                }
            ),
        ),
        (battery.model_copy(update={"actuators": (actuator,)}),),
        (
            OutputAdjustableSystemDescription(
                **stamp(),
                valid_from=NOON,
                modes=(OutputAdjustableMode(mode_id="on", label=UNSAYABLE),),
                timers=(Timer(timer_id="rest", label=UNSAYABLE, duration=timedelta(0)),),
            ),
        ),
        (
            InflexibleAllocation(
                **stamp(),
                control_space_update_id="aa",
                start_time=NOON,
                curtailments=tuple(
                    CurtailmentProfile(
                        quantity=quantity, elements=(CurtailmentElement(duration=timedelta(hours=1), lower=0, upper=1),)
                    )
                    for quantity in (CommodityQuantity.HEAT_POWER, CommodityQuantity.ELECTRIC_POWER)
                ),
            ),
        ),
        (AllocationStatusUpdate(**stamp(), allocation_id="aa", status=AllocationStatus.STARTED, text=UNSAYABLE),),
        (StorageTargetProfileUpdate(**stamp(), valid_from=NOON, elements=(TargetElement(duration=timedelta(0)),)),),
    ]


def seldom() -> list[tuple[AnyMessage, ...]]:
    """Conversations that are seldom drawn: the last message needs what was told before, or the order matters."""
    registration = InflexibleRegistration(
        **stamp(appliance_id="panels"), name="Panels", commodities=(Commodity.ELECTRICITY,)
    )
    leakage = StorageLeakageUpdate(**stamp(), valid_from=NOON, elements=(STILL,))
    readings = (
        EnergyReading(commodity=Commodity.ELECTRICITY, consumed=1.0, since=NOON),
        EnergyReading(commodity=Commodity.ELECTRICITY, consumed=1.0),
    )
    return [
        (registration, *[curtailment(LimitKind.LOWER, (-1, 0))] * 2),
        (battery_description(), leakage, leakage),
        (Measurement(**stamp(), measured_at=NOON, energy=readings),),
    ]


READ = (
    "curtailmentAllocation-certain",
    "storageTargetProfileUpdate-past",
    "storageSystemDescription-fine",
    "outputAdjustableSystemDescription-fine",
)
"""Examples that say what the interface cannot carry."""


@pytest.mark.slow
def test_each_declared_loss_occurs_and_no_other() -> None:
    kinds = declared(LossKind, modules())
    all_rows = {(message, kind.field, kind.reason) for kind in kinds for message in kind.messages}
    found: set[tuple[str, str, str]] = set()

    def write(messages: tuple[AnyMessage, ...], calorific_value: Any) -> None:
        for loss in InterimCodec(NameTable(), calorific_value).write(messages).losses:
            row = re.sub(r"\b\d+\b", "*", loss.path), loss.reason
            told = {(each.type, *row) for each in messages} & all_rows
            assert told, loss
            found.update(told)

    joined = [st.tuples(MESSAGES[holder], MESSAGES[companion]).map(_of_one_appliance) for holder, companion in PAIRS]
    for strategy in (*(strategy.map(lambda message: (message,)) for strategy in MESSAGES.values()), *joined):
        seed(1)(
            settings(
                max_examples=200,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
                database=None,
            )(given(strategy, st.sampled_from((None, CALORIFIC_VALUE)))(write))
        )()
    for messages in (*crafted(), *seldom(), *rarities()):
        write(messages, None)
    for name in READ:
        reasons = {loss.reason for loss in InterimCodec().read(parse(example(name))).losses}
        found.update(row for row in all_rows if row[0] == name.partition("-")[0] and row[2] in reasons)
    assert sorted(all_rows - found) == []


def _of_one_appliance(pair: tuple[AnyMessage, AnyMessage]) -> tuple[AnyMessage, AnyMessage]:
    return pair[0], pair[1].model_copy(update={"appliance_id": pair[0].appliance_id})
