"""The power balance of the house: what each role adds to the node, and what nobody accounts for."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from efi.registration import EnergyRole
from efpi_core.gateway.appliances import ApplianceRecord
from efpi_core.views import BalanceView

TOO_OLD = timedelta(minutes=15)
"""A measurement older than this does not count as now."""


def power_balance(appliances: Iterable[ApplianceRecord], now: datetime) -> BalanceView:
    """Sum the last known electrical power by role, in W; positive consumes, and for the grid, is imported."""
    sums = dict.fromkeys(EnergyRole, 0.0)
    missing = []
    metered = False
    for record in appliances:
        role = record.role
        if role is None:
            continue
        if record.power_w is None or not record.online or record.power_at is None or now - record.power_at > TOO_OLD:
            missing.append(record.appliance_id)
            continue
        sums[role] += record.power_w
        metered = metered or role is EnergyRole.GRID
    accounted = sums[EnergyRole.PRODUCER] + sums[EnergyRole.STORAGE] + sums[EnergyRole.CONSUMER]
    return BalanceView(
        grid=sums[EnergyRole.GRID] if metered else None,
        producers=sums[EnergyRole.PRODUCER],
        storages=sums[EnergyRole.STORAGE],
        consumers=sums[EnergyRole.CONSUMER],
        unmeasured=sums[EnergyRole.GRID] - accounted if metered else None,
        missing=tuple(missing),
    )
