"""How the tests live through time with two equal appliances, one of which is looked at more often."""

from collections.abc import Callable, Sequence

import pytest
from efpi_driver_simulated.physics.piecewise import Piecewise

Order = tuple[float, Callable[[Piecewise], None]]


def live(model: Piecewise, end: float, looks: Sequence[float], orders: Sequence[Order]) -> None:
    """Advance to `end`, stopping at each look, and giving each order at its time."""
    for when, order in sorted([*((look, None) for look in looks), *orders], key=lambda stop: stop[0]):
        model.advance_to(when)
        if order is not None:
            order(model)
    model.advance_to(end)


def same_life(make: Callable[[], Piecewise], looks: Sequence[float], orders: Sequence[Order], values: Callable) -> None:
    """Assert that looking changes nothing."""
    end = 1.0 + max([0.0, *looks, *(when for when, _ in orders)])
    seen, unseen = make(), make()
    live(seen, end, looks, orders)
    live(unseen, end, (), orders)
    assert values(seen) == pytest.approx(values(unseen), rel=1e-9, abs=1e-9)
