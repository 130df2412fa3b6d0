"""Layouts come from the installed definition files, and lie where pysunspec2 itself puts them."""

import subprocess
import sys

import pytest
from efpi_driver_sunspec.models import known_models, model
from sunspec2 import device as definitions
from sunspec_devices import Image, ModelImage

USED = (
    1, 101, 102, 103, 111, 112, 113, 120, 121, 123, 124, 160, 201, 202, 203, 204, 211, 212, 213, 214,
    701, 702, 704, 713, 714, 802, 803,
)  # fmt: skip


@pytest.mark.parametrize("number", USED)
def test_every_point_lies_where_pysunspec2_puts_it(number: int) -> None:
    ours = model(number)
    assert ours is not None
    registers = Image(0, [ModelImage(number)]).registers[2:-2]
    counts = {714: "NPrt", 803: "NStr"}
    if number in counts:
        registers[ours.points[counts[number]].offset] = 0
    data = b"".join(register.to_bytes(2, "big") for register in registers)
    theirs = definitions.Model(number, model_len=registers[1], data=data)
    for name, point in theirs.points.items():
        assert (ours.points[name].offset, ours.points[name].size) == (point.offset, point.len), name
        assert ours.points[name].kind == point.pdef["type"]


def test_points_of_single_groups_follow_the_fixed_part() -> None:
    controls = model(704)
    assert controls is not None
    assert controls.points["PFWInj.PF"].offset == 59
    assert controls.size == 67


def test_a_repeated_group_has_its_own_offsets() -> None:
    inputs = model(160)
    assert inputs is not None
    assert inputs.repeating is not None
    assert (inputs.size, inputs.repeating.size, inputs.repeating.count) == (10, 20, 0)


def test_a_makers_own_model_has_no_layout() -> None:
    assert model(64999) is None
    assert 64999 not in known_models()
    assert model(-1) is None


def test_the_part_that_is_read_reaches_to_the_scale_factors() -> None:
    meter = model(203)
    assert meter is not None
    assert meter.end_of(frozenset({"W"})) == meter.points["W_SF"].end
    assert meter.end_of(frozenset({"TotWhImp"})) == meter.points["TotWh_SF"].end
    assert meter.end_of(frozenset({"no such point"})) == 2


def test_reading_layouts_loads_neither_pysunspec2s_code_nor_what_it_needs() -> None:
    program = (
        "import sys; from efpi_driver_sunspec.models import model; model(701);"
        "heavy = {'sunspec2.device', 'sunspec2.mdef', 'requests', 'openpyxl', 'lxml', 'urllib3'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
