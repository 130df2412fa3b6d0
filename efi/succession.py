"""Updates told ahead: each holds from its `valid_from` until the next one's, as system descriptions do."""

from datetime import datetime
from typing import TypeVar

from efi.message import ControlSpaceUpdate

Update = TypeVar("Update", bound=ControlSpaceUpdate)

MAX_TOLD_AHEAD = 400
"""How many updates of one kind may be told ahead: four days in quarters of an hour."""


def has_begun(update: ControlSpaceUpdate, now: datetime) -> bool:
    """Whether an update holds already. What its sender meant to hold when it wrote does so, whatever its clock says."""
    return update.valid_from <= now or update.valid_from <= update.timestamp


def in_force(updates: tuple[Update, ...], now: datetime) -> Update | None:
    """The update that holds at an instant, of several in their order; None before the first."""
    if len(updates) == 1:
        return updates[0] if has_begun(updates[0], now) else None
    holding = None
    for update in updates:
        if not has_begun(update, now):
            break
        holding = update
    return holding


def succeeded_by(updates: tuple[Update, ...], newer: Update, now: datetime) -> tuple[Update, ...]:
    """The updates in their order once a newer one was told: what has ended is left out, what it replaces too.

    One that takes effect at once replaces the one in force; one told ahead replaces that of the same `valid_from`.
    """
    ahead = (update for update in updates if not has_begun(update, now) and update.valid_from != newer.valid_from)
    present = newer if has_begun(newer, now) else in_force(updates, now)
    told_ahead = [*ahead] if present is newer else sorted((*ahead, newer), key=lambda update: update.valid_from)
    return (present, *told_ahead) if present is not None else tuple(told_ahead)
