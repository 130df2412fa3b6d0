"""`efpi simulate`: a site in simulated time, as fast as the work allows."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from efpi_core.cli.config_check import check_settings
from efpi_core.cli.exit_code import ExitCode
from efpi_core.cli.options import JsonOption
from efpi_core.cli.screen import Screen
from efpi_core.cli.site_argument import site_text
from efpi_core.errors import SettingsError, TryAgainError
from efpi_core.simulation.inline_hosts import InlineHosts
from efpi_core.simulation.ledger import Summary
from efpi_core.simulation.loop import run_stepped
from efpi_core.simulation.process_hosts import ProcessHosts
from efpi_core.simulation.simulation import Progress, Simulation
from efpi_core.site.loader import load_site

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)

DEFAULT_START = "2025-01-01"

DEFAULT_OUT = Path("simulation")


def simulate(
    site: Annotated[str | None, typer.Option(help="A site document, or `demo`.")] = None,
    days: Annotated[float, typer.Option(help="How many days.", min=0.001, max=36_525)] = 1.0,
    out: Annotated[Path, typer.Option(help="The folder for the results; made when it is missing.")] = DEFAULT_OUT,
    seed: Annotated[int, typer.Option(help="Of all chance: the same seed gives the same bytes.", min=0)] = 1,
    start: Annotated[str, typer.Option(help="The first day, as 2025-01-01, or an instant; UTC.")] = DEFAULT_START,
    messages: Annotated[bool, typer.Option("--messages", help="Write every message, too.")] = False,
    hosted: Annotated[bool, typer.Option("--hosted", help="Run each plugin in a process of its own.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Simulate a site: one CSV a channel group, a summary, and the messages on request."""
    if site is None:
        raise SettingsError("--site", "no site is named", "name a document, or the demo house: `--site demo`")
    name, text = site_text(site)
    loaded = load_site(text, name)
    check_settings(loaded)
    begin = _start(start)
    duration = timedelta(days=days)
    hosts = ProcessHosts() if hosted else InlineHosts()
    with _progress(begin, duration, quiet=as_json) as progress:
        try:
            summary = run_stepped(
                lambda selector: _run(
                    Simulation(loaded.site, hosts, selector, start=begin, seed=seed),
                    hosts,
                    lambda simulation: simulation.run(duration, out, messages=messages, progress=progress),
                )
            )
        except OSError as error:
            raise TryAgainError(
                f"{out} cannot be written: {error.strerror or error}", "choose another --out"
            ) from error
    Screen(as_json=as_json).show(asdict(summary), _lines(summary, out))
    if summary.failed:
        raise typer.Exit(ExitCode.DEGRADED)


async def _run(
    simulation: Simulation, hosts: ProcessHosts | InlineHosts, work: Callable[[Simulation], Awaitable[Summary]]
) -> Summary:
    try:
        return await work(simulation)
    finally:
        await hosts.close()


def _start(text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError("--start", f"'{text}' is no date", "write it as 2025-01-01") from None
    at = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    if not EARLIEST <= at <= LATEST:
        raise SettingsError("--start", f"'{text}' lies too far away", "choose a date between 1970 and 2199")
    return at


@contextmanager
def _progress(begin: datetime, duration: timedelta, *, quiet: bool) -> Iterator[Progress]:
    """A bar on standard error, on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda now: None
        return
    from rich import progress as shown  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415  # only when something is drawn

    columns = (shown.TextColumn("{task.description}"), shown.BarColumn(), shown.TimeRemainingColumn())
    with shown.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"{begin:%Y-%m-%d}", total=duration.total_seconds())
        yield lambda now: bar.update(task, completed=(now - begin).total_seconds(), description=f"{now:%Y-%m-%d}")


def _lines(summary: Summary, out: Path) -> Iterator[str]:
    grid = summary.grid_kwh
    yield f"{summary.start[:10]} to {summary.end[:10]}, seed {summary.seed}: written to {out}"
    if grid:
        yield f"grid         {grid['imported']:.1f} kWh imported, {grid['exported']:.1f} kWh exported"
    if summary.cost is not None:
        yield f"cost         {summary.cost} {summary.currency}"
    if summary.self_consumption is not None:
        yield f"own use      {summary.self_consumption:.1%} of what the house produced"
    if summary.self_sufficiency is not None:
        yield f"autonomy     {summary.self_sufficiency:.1%} of what the house used"
    yield f"imbalance    {summary.imbalance_w:.3f} W at most"
    yield f"messages     {summary.messages}; allocations: {_counts(summary.allocations)}"
    yield f"violations   {_counts(summary.violations)}"
    for instance, how in summary.failed.items():
        yield f"failed       {instance}: {how}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
