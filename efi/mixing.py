"""What holds between two fill levels, when all changes linearly between them.

What is reckoned between two checked values needs no check of its own.
"""

from decimal import Decimal

from efi.commodity import PowerRange, ValueRange
from efi.running_mode import CostBounds, CostRange


def mixed_values(here: ValueRange, there: ValueRange, share: float) -> ValueRange:
    """The range at a share of the way between two."""
    return ValueRange.model_construct(
        None, start=here.start + (there.start - here.start) * share, end=here.end + (there.end - here.end) * share
    )


def mixed_powers(here: PowerRange, there: PowerRange, share: float) -> PowerRange:
    """The power range at a share of the way between two of one quantity."""
    return PowerRange.model_construct(
        None,
        quantity=here.quantity,
        start=here.start + (there.start - here.start) * share,
        end=here.end + (there.end - here.end) * share,
    )


def mixed_costs(here: CostRange | None, there: CostRange | None, share: float) -> CostRange | None:
    """The cost at a share of the way between two; the one that is told where the other is not."""
    if here is None or there is None:
        return here or there
    part = Decimal(share)
    return CostRange.model_construct(
        None, start=here.start + (there.start - here.start) * part, end=here.end + (there.end - here.end) * part
    )


def widest_bounds(here: CostBounds | None, there: CostBounds | None) -> CostBounds | None:
    """The bounds that hold everywhere between two."""
    if here is None or there is None:
        return here or there
    return CostBounds(lower=min(here.lower, there.lower), upper=max(here.upper, there.upper))
