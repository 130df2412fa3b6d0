"""Plugins in processes of their own, in stepped time: the same bytes as inline."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from efpi_core.host.idle import IdleSelector
from efpi_core.simulation.inline_hosts import InlineHosts
from efpi_core.simulation.loop import run_stepped
from efpi_core.simulation.process_hosts import ProcessHosts
from efpi_core.simulation.simulation import Simulation
from efpi_core.site.document import Site
from efpi_core.site.loader import load_site_file


def demo_site() -> Site:
    return load_site_file(Path(__file__).parents[3] / "efpi_core" / "site" / "demo.yaml").site


def simulate(make: InlineHosts | ProcessHosts, folder: Path) -> dict[str, str]:
    async def main(selector: IdleSelector) -> None:
        simulation = Simulation(demo_site(), make, selector, start=datetime(2025, 6, 1, 9, tzinfo=UTC), seed=3)
        try:
            await simulation.run(timedelta(hours=2), folder, messages=True)
        finally:
            await make.close()
        assert simulation.failed == {}

    run_stepped(main)
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


@pytest.mark.slow
def test_inline_and_hosted_plugins_give_the_same_bytes(tmp_path: Path):
    inline = simulate(InlineHosts(), tmp_path / "inline")
    hosted = simulate(ProcessHosts(), tmp_path / "hosted")
    assert inline == hosted
    assert "messages.jsonl" in inline
