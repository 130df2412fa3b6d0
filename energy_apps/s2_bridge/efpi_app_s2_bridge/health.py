"""How the bridge is doing: which appliances an energy manager speaks with, and why not with the others."""

from collections.abc import Collection
from itertools import islice
from typing import NamedTuple

from efpi_app_s2_bridge.offer import Offer
from efpi_core.plugin.condition import ConditionState
from efpi_core.s2.trouble import Trouble

MOST_NAMED = 5
"""So many appliances are named in one sentence."""


class Health(NamedTuple):
    """A condition of the instance as a whole."""

    state: ConditionState
    detail: str = ""
    text: str = ""
    cure: str = ""


WELL = Health(ConditionState.OK)


def health_of(offers: Collection[Offer], closed: Trouble | None, called_at: str) -> Health:
    """How all is.

    `closed` is why the server does not listen, `called_at` where energy managers call, empty when they are called; of
    one that is being called for the first time nothing is known yet.
    """
    if closed is not None:
        return Health(ConditionState.OFFLINE, closed.detail, closed.text, closed.cure)
    alone = [offer for offer in offers if not offer.served and (called_at or offer.trouble is not None)]
    if not alone:
        misfit = next((found for offer in offers if (found := offer.level_trouble) is not None), None)
        return WELL if misfit is None else Health(ConditionState.DEGRADED, misfit.detail, misfit.text, misfit.cure)
    state = ConditionState.OFFLINE if len(alone) == len(offers) else ConditionState.DEGRADED
    trouble = next((offer.trouble for offer in alone if offer.trouble is not None), None)
    trouble = trouble or _not_called(called_at)
    held = [offer for offer in alone if offer.holding]
    goes_on = f"; what was asked of {_listed(held)} goes on for a while" if held else ""
    return Health(
        state, trouble.detail, f"no energy manager for {_listed(alone)}: {trouble.text}{goes_on}", trouble.cure
    )


def _not_called(called_at: str) -> Trouble:
    return Trouble(
        "not_called", f"none has called at {called_at} yet", "enter this address, and the token, in the energy manager"
    )


def _listed(offers: Collection[Offer]) -> str:
    names = ", ".join(offer.appliance_id for offer in islice(offers, MOST_NAMED))
    return names if len(offers) <= MOST_NAMED else f"{names} and {len(offers) - MOST_NAMED} more"
