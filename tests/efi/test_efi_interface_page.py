"""The page on the interface names every message of the originals and of ours, and no other."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from efi import (
    allocation,
    commodity,
    inflexible,
    measurement,
    message,
    registration,
    running_mode,
    storage,
    time_shiftable,
    uncertainty,
)
from efi.control_space import REMEMBERED_UPDATES
from efi.messages import MESSAGE_CLASSES

PAGE = (Path(__file__).parents[2] / "docs" / "interface.md").read_text(encoding="utf-8")

MODULES = (
    allocation,
    commodity,
    inflexible,
    measurement,
    message,
    registration,
    running_mode,
    storage,
    time_shiftable,
    uncertainty,
)

EF_PI = {
    *(f"Uncontrolled{kind}" for kind in ("Registration", "Measurement", "Forecast", "Allocation")),
    *(f"TimeShifter{kind}" for kind in ("Registration", "Update", "Allocation")),
    *(f"Buffer{kind}" for kind in ("Registration", "SystemDescription", "StateUpdate", "Allocation")),
    "BufferUsageForecast",
    "BufferTargetProfileUpdate",
    *(f"Unconstrained{kind}" for kind in ("Registration", "SystemDescription", "StateUpdate", "Allocation")),
    "ControlSpaceRevoke",
    "AllocationRevoke",
    "AllocationStatusUpdate",
}

INTERIM = {
    "controlSpaceRevoke",
    "allocationRevoke",
    "allocationStatusUpdate",
    "inFlexibleRegistration",
    "inFlexibileMeasurement",
    "inFlexibileForecast",
    "curtailmentAllocation",
    "timeShiftableRegistration",
    "timeShiftableUpdate",
    "timeShiftableAllocation",
    "storageRegistration",
    "storageSystemDescription",
    "storageStateUpdate",
    "storageTargetProfileUpdate",
    "storageUsageForecastUpdate",
    "storageAllocation",
    "outputAdjustableRegistration",
    "outputAdjustableSystemDescription",
    "outputAdjustableStateUpdate",
    "outputAdjustableAllocation",
    "electricityMeasurement",
}

EFI_2 = {
    "InstructionStatusUpdate",
    "FlexibilityRevoke",
    "InstructionRevoke",
    "InflexibleRegistration",
    "Measurement",
    "InflexibleForecast",
    "InflexibleCurtailmentOptions",
    "InflexibleInstruction",
    "ShiftableRegistration",
    "ShiftableUpdate",
    "ShiftableInstruction",
    "StorageRegistration",
    "StorageSystemDescription",
    "StorageStatus",
    "StorageFillLevelTargetProfile",
    "StorageUsageForecast",
    "StorageInstruction",
    "AdjustableRegistration",
    "AdjustableSystemDescription",
    "AdjustableStatus",
    "AdjustableInstruction",
}

S2 = {
    "ResourceManagerDetails",
    "InstructionStatusUpdate",
    "RevokeObject",
    "PowerMeasurement",
    "PowerForecast",
    *(f"PEBC.{kind}" for kind in ("PowerConstraints", "EnergyConstraint", "Instruction")),
    *(f"PPBC.{kind}" for kind in ("PowerProfileDefinition", "PowerProfileStatus", "ScheduleInstruction")),
    *(f"PPBC.{kind}InterruptionInstruction" for kind in ("Start", "End")),
    *(f"OMBC.{kind}" for kind in ("SystemDescription", "Status", "TimerStatus", "Instruction")),
    *(f"FRBC.{kind}" for kind in ("SystemDescription", "StorageStatus", "ActuatorStatus", "TimerStatus")),
    *(f"FRBC.{kind}" for kind in ("LeakageBehaviour", "UsageForecast", "FillLevelTargetProfile", "Instruction")),
    *(f"DDBC.{kind}" for kind in ("SystemDescription", "PresentDemandStatus", "ActuatorStatus", "TimerStatus")),
    *(f"DDBC.{kind}" for kind in ("Instruction", "AverageDemandRateForecast")),
}

S2_SESSION = {"Handshake", "HandshakeResponse", "SelectControlType", "SessionRequest", "ReceptionStatus"}

OURS = {message_class.__name__ for message_class in MESSAGE_CLASSES.values()}


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table beneath a heading, its head left out."""
    _, _, below = PAGE.partition(f"## {heading}\n")
    table = re.search(r"\|.*\|\n\|[-|]+\|\n((?:\|.*\|\n)+)", below)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]


def names(column: int) -> list[str]:
    return [name for row in rows("Who says what") for name in row[column].split(", ") if name != "–"]


@pytest.mark.parametrize(("column", "original"), [(0, EF_PI), (1, INTERIM), (2, EFI_2), (3, S2)])
def test_every_message_of_each_original_is_named(column: int, original: set[str]) -> None:
    assert set(names(column)) == original


def test_every_message_of_ours_is_named_once() -> None:
    assert sorted(names(4)) == sorted(OURS)


def test_the_messages_of_s2_are_all_accounted_for() -> None:
    assert len(S2 | S2_SESSION) == 36
    assert all(f"{name}" in PAGE for name in S2_SESSION)


@pytest.mark.parametrize("place", [row[0] for row in rows("What is said beyond the originals")])
def test_every_field_beyond_the_originals_exists(place: str) -> None:
    owner, _, field = place.partition(".")
    (model,) = {getattr(module, owner) for module in MODULES if hasattr(module, owner)}
    assert issubclass(model, BaseModel)
    assert field in model.model_fields


def test_the_page_says_how_many_states_are_remembered() -> None:
    assert f"the last {REMEMBERED_UPDATES} can be quoted" in " ".join(PAGE.split())
