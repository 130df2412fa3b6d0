"""The gateway's own voices cannot be borrowed by naming an instance like one."""

import pytest

from efpi_core.gateway.appliances import LIMIT, RESIDENT
from efpi_core.identity import RESERVED_INSTANCES
from tests.efpi_core.site.site_world import problems


@pytest.mark.parametrize("name", sorted(RESERVED_INSTANCES))
@pytest.mark.parametrize("section", ["apps: {%s: {app: self_consumption}}", "appliances: {%s: {driver: p1}}"])
def test_an_instance_cannot_bear_the_name_of_a_voice_of_the_gateway(name: str, section: str) -> None:
    (problem,) = problems(f"efpi: 1\n{section % name}\n")
    assert "gateway's own" in str(problem)


def test_every_voice_of_the_gateway_is_reserved() -> None:
    assert {RESIDENT, LIMIT} == RESERVED_INSTANCES
