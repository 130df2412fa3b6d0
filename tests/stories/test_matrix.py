"""Every moment with every fault, by every kind of plugin in turn, beside others that notice nothing."""

import os
from pathlib import Path

import pytest

from tests.support.matrix import KINDS, MOMENTS, all_cells, grouped, pairwise_cells, run_cells

CELLS = pairwise_cells()


def test_the_cells_cover_every_pair() -> None:
    assert {cell.kind for cell in CELLS} == set(KINDS)
    for of in (lambda cell: (cell.kind, cell.moment), lambda cell: (cell.kind, cell.fault)):
        first = {of(cell)[1] for cell in CELLS}
        assert {of(cell) for cell in CELLS} == {(kind, other) for kind in KINDS for other in first}
    assert {(cell.moment, cell.fault) for cell in CELLS} == {(cell.moment, cell.fault) for cell in all_cells()}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_fault_at_this_moment_is_named_and_contained(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    figures = await run_cells(grouped(CELLS, lambda cell: cell.moment)[moment], tmp_path)
    assert figures["witness_lost"] == figures["asker_lost"] == 0
