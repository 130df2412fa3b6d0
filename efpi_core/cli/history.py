"""`efpi history`: what was observed; questions, export and import. It reads the home, a gateway running or not."""

import fnmatch
import json
import secrets
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from efpi_core.cli.kept_facts import open_kept_history
from efpi_core.cli.options import Caller, HomeOption, JsonOption, past_instant, require_known
from efpi_core.cli.plain import plain_text
from efpi_core.cli.screen import Screen
from efpi_core.cli.waiting import waiting
from efpi_core.clock import RealClock
from efpi_core.errors import RefusedError, TryAgainError
from efpi_core.history.answers import channel_views, chosen_resolution, costs_view, values_view
from efpi_core.history.exporting import CsvSheet, ParquetSheet, Sheet, Wanted, export
from efpi_core.history.importing import import_csv, stage_csv
from efpi_core.history.looking import looking
from efpi_core.history.reader import HistoryReader
from efpi_core.history_views import HistoryCostView, HistoryView, Imported, Rebuilt, Resolution
from efpi_core.http.json_form import to_json
from efpi_core.local_time import LocalTime
from efpi_core.state.home import storage_problem

history_app = typer.Typer(help="What was observed: questions, export and import.", invoke_without_command=True)

IMPORT_S = 3600.0
"""A gateway may take so long to take values in: some hundred million."""

J_PER_KWH = 3.6e6

FromOption = Annotated[
    str,
    typer.Option(
        "--from", help="A span back from now as 2h or 7d, or an instant of the site's clock as 2026-06-01 or 06:30."
    ),
]
ToOption = Annotated[str, typer.Option("--to", help="Likewise; now if left out.")]
ResolutionOption = Annotated[Resolution, typer.Option(help="How fine; auto chooses by the span.")]


@history_app.callback()
def channels(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the channels, and the span of their raw values."""
    if context.invoked_subcommand is not None:
        return
    caller = Caller(home, as_json=as_json)
    with looking(caller.home) as reader:
        found, zone = channel_views(reader), _zone(reader)
    rows = (
        (view.channel, view.unit, view.kind, _local(view.oldest, zone), _local(view.newest, zone)) for view in found
    )
    columns = ("channel", "unit", "kind", f"oldest ({zone.key})", "newest")
    caller.screen.table(_plain(found), columns, rows, "Nothing was observed yet.")


@history_app.command()
def show(
    channel: Annotated[str, typer.Argument(help="As `efpi history` lists it.")],
    since: FromOption = "1d",
    until: ToOption = "",
    resolution: ResolutionOption = Resolution.AUTO,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the values of one channel."""
    caller = Caller(home, as_json=as_json)
    with looking(caller.home) as reader:
        begin, end = _span(since, until, _wall(reader))
        require_known(channel, (found.channel.name for found in reader.channels()), "channel")
        view = values_view(reader, channel, begin, end, resolution)
        zone = _zone(reader)
    _table(caller.screen, view, zone)


@history_app.command()
def costs(
    since: FromOption = "30d",
    until: ToOption = "",
    resolution: ResolutionOption = Resolution.DAY,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show energy at the grid meter and what it cost, by days or quarter hours."""
    caller = Caller(home, as_json=as_json)
    with looking(caller.home) as reader:
        begin, end = _span(since, until, _wall(reader))
        view = costs_view(reader, begin, end, resolution)
        zone = _zone(reader)
    _cost_table(caller.screen, view, zone)


@history_app.command("export")
def export_values(
    file: Annotated[Path, typer.Argument(help="A new file, .csv or .parquet; - for CSV on standard output.")],
    channel: Annotated[list[str] | None, typer.Option(help="Only these, as 'battery.*'; may be given again.")] = None,
    since: FromOption = "",
    until: ToOption = "",
    resolution: ResolutionOption = Resolution.RAW,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write values into a file: CSV, which can be imported again, or Parquet."""
    caller = Caller(home, as_json=as_json)
    now = RealClock().now()
    with looking(caller.home) as reader:
        end = past_instant(until, "--to", now, _wall(reader)) if until else now + timedelta(days=1)
        begin = past_instant(since, "--from", now, _wall(reader)) if since else datetime.fromtimestamp(0, UTC)
        names = _chosen(reader, channel)
        wanted = Wanted(names, begin, end, chosen_resolution(resolution, begin, end))
        if str(file) == "-":
            export(reader, wanted, CsvSheet(sys.stdout, wanted.columns))
            return
        with waiting("Writing", quiet=as_json):
            count = _into_file(reader, wanted, file)
    caller.screen.show(
        {"path": str(file), "channels": list(names), "rows": count},
        [f"{file}: {count:,} rows of {len(names)} channels."],
    )


def _into_file(reader: HistoryReader, wanted: Wanted, file: Path) -> int:
    """The file appears when it is whole."""
    if file.exists():
        raise RefusedError(f"{file} is there already", "name a file that is not")
    draft = file.with_name(f"{file.name}.part")
    try:
        if file.suffix == ".parquet":
            count = export(reader, wanted, ParquetSheet(draft, wanted.columns))
        else:
            with draft.open("w", encoding="utf-8", newline="") as opened:
                sheet: Sheet = CsvSheet(opened, wanted.columns)
                count = export(reader, wanted, sheet)
        draft.replace(file)
    except OSError as error:
        raise storage_problem(error, file) from error
    finally:
        draft.unlink(missing_ok=True)
    return count


@history_app.command("import")
def import_values(
    file: Annotated[Path, typer.Argument(help="A CSV file with the columns channel, at and value.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the values of a CSV file into the history, a gateway running or not. Importing again changes nothing."""
    caller = Caller(home, as_json=as_json)
    with waiting("Importing", quiet=as_json):
        done = _through_gateway(caller, file) if caller.gateway.runs else _into_kept(caller, file)
    lines = [
        f"{done.rows:,} rows of {done.channels} channels: {done.taken:,} taken, {done.known:,} were there already."
    ]
    if done.summed_up:
        lines.append(f"{done.summed_up:,} are left out: of their time only quarter hours are kept.")
    told = {"rows": done.rows, "taken": done.taken, "known": done.known, "summed_up": done.summed_up}
    caller.screen.show(told | {"channels": done.channels}, lines)


def _into_kept(caller: Caller, file: Path) -> Imported:
    with open_kept_history(caller.home) as store:
        return import_csv(file, store)


def _through_gateway(caller: Caller, file: Path) -> Imported:
    """This process reads the file and stages its values in the home; the gateway takes them in from there."""
    staged = caller.home / f"import-{secrets.token_hex(8)}.staged"
    try:
        stage_csv(file, staged)
        return Imported(**caller.gateway.post("/api/history/import", {"file": staged.name}, timeout_s=IMPORT_S))
    except sqlite3.Error as error:
        raise TryAgainError(f"{staged} cannot be written: {error}", "check the disk: `efpi doctor`") from error
    finally:
        staged.unlink(missing_ok=True)


@history_app.command()
def rebuild(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Make quarter hours and days anew from the raw values, where all of those are there; a gateway running or not."""
    caller = Caller(home, as_json=as_json)
    with waiting("Summing up", quiet=as_json):
        if caller.gateway.runs:
            done = Rebuilt(**caller.gateway.post("/api/history/rebuild", timeout_s=IMPORT_S))
        else:
            with open_kept_history(caller.home) as store:
                names = store.names()
                done = Rebuilt(len(names), sum(map(store.rebuild, names)))
    told = {"channels": done.channels, "quarters": done.quarters}
    caller.screen.show(told, [f"{done.channels} channels: {done.quarters:,} quarter hours are others now."])


# --- how it is shown


def _span(since: str, until: str, wall: LocalTime) -> tuple[datetime, datetime]:
    now = RealClock().now()
    return past_instant(since, "--from", now, wall), past_instant(until, "--to", now, wall) if until else now


def _chosen(reader: HistoryReader, patterns: list[str] | None) -> tuple[str, ...]:
    names = [found.channel.name for found in reader.channels()]
    if not patterns:
        return tuple(names)
    chosen = tuple(name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns))
    if not chosen:
        raise RefusedError(f"the history has no channel '{', '.join(patterns)}'", "`efpi history` lists them")
    return chosen


def _wall(reader: HistoryReader) -> LocalTime:
    return LocalTime(reader.days_here.time_zone)


def _zone(reader: HistoryReader) -> ZoneInfo:
    return ZoneInfo(reader.days_here.time_zone)


def _local(at: object, zone: ZoneInfo, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    return at.astimezone(zone).strftime(form) if isinstance(at, datetime) else "–"


def _plain(view: object) -> Any:
    return json.loads(to_json(view))


def _table(screen: Screen, view: HistoryView, zone: ZoneInfo) -> None:
    columns = view.columns
    begins = columns["at"]
    if view.resolution is Resolution.RAW:
        rows = (
            (
                _local(at, zone),
                plain_text(str(value)) if value is not None else "–",
                "" if quality == "good" else quality,
            )
            for at, value, quality in zip(begins, columns["value"], columns["quality"], strict=True)
        )
        screen.table(_plain(view), (f"at ({zone.key})", f"value {view.unit}#", ""), rows, "No value in that time.")
        return
    form = "%Y-%m-%d" if view.resolution is Resolution.DAY else "%Y-%m-%d %H:%M"
    shown = _shown_columns(view)
    rows = (
        (_local(at, zone, form), n, *(form_of(cell) for (_, _, form_of), cell in zip(shown, cells, strict=True)))
        for at, n, *cells in zip(begins, columns["n"], *(columns[name] for name, _, _ in shown), strict=True)
    )
    heads = tuple(f"{name} {unit}#" for name, unit, _ in shown)
    screen.table(_plain(view), (f"from ({zone.key})", "values#", *heads), rows, "No value in that time.")


def _shown_columns(view: HistoryView) -> tuple[tuple[str, str, Callable[[object], str]], ...]:
    """Of quarter hours and days: name, unit and form of the columns that say most."""
    if view.kind == "counter":
        unit, form = ("kWh", _kwh) if view.unit == "J" else (view.unit, _figure)
        return ("counted", unit, form), ("estimated", unit, form)
    plain = tuple((name, view.unit, _figure) for name in ("mean", "low", "high"))
    return (*plain, ("estimated", "kWh", _kwh)) if "energy" in view.columns else plain


def _cost_table(screen: Screen, view: HistoryCostView, zone: ZoneInfo) -> None:
    form = "%Y-%m-%d" if view.resolution is Resolution.DAY else "%Y-%m-%d %H:%M"
    columns = view.columns
    rows = (
        (_local(at, zone, form), _kwh(imported), _kwh(exported), "–" if cost is None else f"{cost:.4f}")
        for at, imported, exported, cost in zip(*columns.values(), strict=True)
    )
    heads = (f"from ({zone.key})", "imported kWh#", "exported kWh#", f"cost {view.currency}#")
    screen.table(_plain(view), heads, rows, "No energy at the grid meter in that time.")


def _kwh(joules: object) -> str:
    return "–" if joules is None else f"{float(str(joules)) / J_PER_KWH:.3f}"


def _figure(number: object) -> str:
    return "–" if number is None else f"{float(str(number)):g}"
