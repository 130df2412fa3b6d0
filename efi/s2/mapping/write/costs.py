"""Running costs as S2's: a range of costs a second that has nothing to do with the factor."""

from decimal import Context, Decimal

from efi.conversion import LossKind
from efi.running_mode import CostRange, ModeBehaviour
from efi.s2.common import NumberRange
from efi.s2.mapping.notes import Notes
from efi.types import MONEY_PLACES

_DESCRIPTIONS = (
    "storage_system_description",
    "output_adjustable_system_description",
    "demand_driven_system_description",
)

COST_ALONG_FACTOR = LossKind(
    _DESCRIPTIONS,
    "*.running_cost",
    "running costs do not follow the factor in S2; all that they can be is told as one range",
)
COST_WITHIN_BOUNDS = LossKind(
    _DESCRIPTIONS, "*.running_cost", "S2 tells the bounds of an uncertain cost alone; what is expected is left out"
)
ENERGY_COST = LossKind(
    _DESCRIPTIONS,
    "*.energy_cost",
    "S2 knows costs by the second only; it is told with the running costs, at the power of the mode",
)
FINE_COST = LossKind(_DESCRIPTIONS, "*.running_cost", "S2 tells costs as floating-point numbers; it is rounded")

_WIDE = Context(prec=80)

_FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0)


def running_costs(behaviour: ModeBehaviour, path: str, notes: Notes) -> NumberRange | None:
    """What running costs a second at any factor; None where nothing is told."""
    cost, bounds, by_energy = behaviour.running_cost, behaviour.running_cost_bounds, behaviour.energy_cost
    if cost is None and bounds is None and by_energy is None:
        return None
    if bounds is not None:
        middle = _WIDE.divide(_WIDE.add(bounds.lower, bounds.upper), Decimal(2)).quantize(MONEY_PLACES, context=_WIDE)
        if cost is not None and not cost.start == cost.end == middle:
            notes.lost(COST_WITHIN_BOUNDS, f"{path}running_cost", f"{cost.start} to {cost.end}")
        lower, upper = bounds.lower, bounds.upper
    else:
        ends = (Decimal(0),) if cost is None else (cost.start, cost.end)
        lower, upper = min(ends), max(ends)
        if lower != upper:
            notes.lost(COST_ALONG_FACTOR, f"{path}running_cost", f"{ends[0]} to {ends[-1]}")
    if by_energy is not None:
        notes.lost(ENERGY_COST, f"{path}energy_cost", f"{by_energy.start} to {by_energy.end}")
        worn = _wear(behaviour, by_energy)
        if bounds is None and cost is not None:
            along = [cost.at(factor) + each for factor, each in worn]
            lower, upper = min(along), max(along)
        else:
            lower, upper = lower + min(each for _, each in worn), upper + max(each for _, each in worn)
    told = NumberRange(start_of_range=float(lower), end_of_range=float(upper))
    if by_energy is None and (_inexact(lower, told.start_of_range) or _inexact(upper, told.end_of_range)):
        notes.lost(FINE_COST, f"{path}running_cost", f"{lower} to {upper}")
    return told


def _wear(behaviour: ModeBehaviour, by_energy: CostRange) -> list[tuple[float, Decimal]]:
    """What the energy costs by the second at some factors, that of no power among them."""
    factors = {*_FACTORS, behaviour.factor_for(0.0)}
    return [
        (factor, by_energy.at(factor) * Decimal(abs(behaviour.electric_power_at(factor)))) for factor in sorted(factors)
    ]


def cost(money: Decimal, path: str, kind: LossKind, notes: Notes) -> float:
    """An amount of money as a number."""
    told = float(money)
    if _inexact(money, told):
        notes.lost(kind, path, money)
    return told


def _inexact(money: Decimal, told: float) -> bool:
    return Decimal(repr(told)) != money
