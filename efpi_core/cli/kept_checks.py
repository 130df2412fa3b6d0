"""What the doctor looks at in a home: its databases, what was set aside, the site's secrets, what was told."""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import JsonValue

from efpi_core.cli.findings import Found, ill, note, well
from efpi_core.cli.words import instant_words
from efpi_core.errors import SettingsError
from efpi_core.event_kinds import Level
from efpi_core.gateway.planning import secret_names
from efpi_core.history.checking import check_history
from efpi_core.history.history_file import HISTORY_FILE
from efpi_core.host.catalogue import Catalogue
from efpi_core.http.event_filter import EventFilter
from efpi_core.plugin.condition import ConditionState
from efpi_core.site.expand import all_instances
from efpi_core.site.loader import load_kept_site
from efpi_core.state.home import DATABASE_FILE
from efpi_core.state.look import Look, look_at
from efpi_core.views import EventView

LATELY = timedelta(days=7)
"""What happened longer ago is no finding any more; `efpi events` has it."""

TELLING = {
    "gateway_ended_badly": "ended_badly",
    "state_rescued": "set_aside",
    "history_rescued": "set_aside",
    "clock_set": "clock_jumped",
    "clock_doubted": "clock_jumped",
}
"""Events that are findings by themselves, and the detail of each."""


def kept_checks(home: Path, look: Look | None) -> Iterator[Found]:
    """What lies in a home; `look` is what was read of its database, None when there is none."""
    if look is not None:
        yield database_check(home / DATABASE_FILE, look)
    if (home / HISTORY_FILE).is_file():
        yield history_check(home / HISTORY_FILE)
    yield from aside_checks(home)


def look_into(home: Path) -> Look | None:
    """What a home's database holds; None when there is none, or it may not be read."""
    try:
        return look_at(home)
    except OSError:
        return None


def database_check(path: Path, look: Look) -> Found:
    """Whether the database is whole."""
    if "a newer efpi wrote it" in look.trouble:
        cure = "run the newer efpi, or put back the copy that it made beside the file"
        return ill("database", "newer", look.trouble, cure, ConditionState.MISCONFIGURED)
    if look.trouble or look.integrity != ("ok",):
        said = look.trouble or "; ".join(look.integrity)
        cure = "the gateway sets it aside and saves what it can when it starts; restore a backup if more is missed"
        return ill("database", "damaged", f"{path}: {said}", cure)
    return well("database", f"{path} is whole, {path.stat().st_size / 1024:.0f} KiB")


def history_check(path: Path) -> Found:
    """Whether the history is whole."""
    checked = check_history(path)
    if checked.damaged:
        cure = "the gateway sets it aside and saves what it can when it meets it; restore a backup if more is missed"
        return ill("history", "damaged", f"{path}: {checked.trouble}", cure)
    if checked.trouble:
        return ill("history", "not_kept", f"{path}: {checked.trouble}", checked.cure, ConditionState.MISCONFIGURED)
    size = f"{path.stat().st_size / 1024:,.0f} KiB"
    told = "is whole" if checked.whole else "is too large to be read here; all but its older raw values are whole"
    return well("history", f"{path} {told}, {size}")


def aside_checks(home: Path) -> Iterator[Found]:
    """Damaged files that were set aside."""
    for path in sorted(home.glob("*.db.damaged-*")):
        if not path.name.endswith(("-wal", "-shm")):
            yield note(
                "database",
                "set_aside",
                f"{path} was damaged and was set aside; what could be read was saved",
                "check the disk, it may be worn out; delete the file when nothing is missed",
            )


def secret_checks(site: tuple[str, JsonValue] | None, known: Collection[str], plugins: Catalogue) -> list[Found]:
    """Secrets that the site names and nobody gave."""
    if site is None:
        return []
    try:
        document = load_kept_site(*site)
    except SettingsError as error:
        return [ill("site", "refused", error.problem, error.cure, ConditionState.MISCONFIGURED)]
    found = []
    for spec, _ in all_instances(document.site):
        offer = plugins.find(spec.offer)
        named = set() if offer is None else set(secret_names(spec.config, offer.offer.config_schema))
        for name in sorted(named - set(known)):
            text = f"'{spec.instance}' needs the secret '{name}', which nobody gave"
            cure = f"efpi site secret set {name}"
            found.append(ill("secrets", "secret_missing", text, cure, ConditionState.MISCONFIGURED))
    return found


def event_checks(events: Collection[EventView], now: datetime) -> Iterator[Found]:
    """What the journal says of the last days."""
    lately = [event for event in events if EventFilter(since=now - LATELY).takes(event)]
    for kind, detail in TELLING.items():
        of_kind = [event for event in lately if event.kind == kind]
        if of_kind:
            newest = of_kind[-1]
            at = instant_words(newest.last_at or newest.at)
            times = sum(event.count for event in of_kind)
            text = f"{newest.text} ({at}{f', {times} times in 7 days' if times > 1 else ''})"
            yield note("journal", detail, text, newest.cure or f"see `efpi events --since 7d`: {kind}")
    errors = Counter(event.subject for event in lately if event.level == Level.ERROR for _ in range(event.count))
    if errors:
        subjects = ", ".join(f"{subject} ({count})" for subject, count in errors.most_common(5))
        count = errors.total()
        told = f"{count} {'error' if count == 1 else 'errors'} in the last 7 days: {subjects}"
        yield note("journal", "other", told, "efpi events --since 7d --level error")
