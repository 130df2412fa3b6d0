"""What the history is told of the house: its clock, prices, bounds, and which counters are those of the grid meter."""

from dataclasses import replace

from efpi_core.gateway.house import House
from efpi_core.history.facts import MIB, MOST_W, HistoryFacts, HistoryPolicy
from efpi_core.site.document import Site

FUSE_MARGIN = 2.0
"""A fuse carries more than its rating for a while, and behind the meter panels and a battery feed one another."""

FLOWS = (("electricity_consumed", "import"), ("electricity_produced", "export"))
"""The grid meter's counters, and which way each counts."""


def history_facts(site: Site | None, house: House) -> HistoryFacts:
    """As of now; a house without a site is anywhere."""
    if site is None:
        return HistoryFacts()
    facts, meter = facts_of_site(site), house.grid_meter()
    if meter is None:
        return facts
    return replace(facts, flows=tuple((meter.channel(quantity), flow) for quantity, flow in FLOWS))


def facts_of_site(site: Site) -> HistoryFacts:
    """What the site itself says."""
    return HistoryFacts(
        time_zone=site.time_zone,
        currency=site.currency,
        prices=site.facts().prices,
        most_w=_most_w(site),
        policy=HistoryPolicy(site.history.size_mb * MIB, site.history.detail_days),
    )


def _most_w(site: Site) -> float:
    bounds = [abs(bound) for limit in site.grid_limits() for bound in (limit.lower_w, limit.upper_w) if bound]
    return max(bounds) * FUSE_MARGIN if site.limits.fuse is not None else MOST_W
