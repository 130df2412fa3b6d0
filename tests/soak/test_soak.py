"""The judgement of a soak, and its house."""

import pytest

from efpi_core.site.expand import instances
from efpi_core.site.loader import load_site
from tests.soak.flat import growth, is_flat
from tests.soak.site import APPLIANCES, soak_site


def test_what_grows_only_while_it_warms_up_is_flat() -> None:
    assert is_flat([10.0, 50.0, 80.0, *[100.0] * 20])


def test_what_grows_slowly_for_ever_is_not_flat() -> None:
    values = [100.0 + number / 10 for number in range(100)]
    assert growth(values) == pytest.approx(0.05, abs=0.01)
    assert not is_flat(values)


def test_a_single_peak_is_no_growth() -> None:
    assert is_flat([*[100.0] * 50, 300.0, *[100.0] * 50])


def test_too_short_a_soak_says_nothing() -> None:
    with pytest.raises(ValueError, match="too few"):
        growth([1.0] * 5)


@pytest.mark.parametrize("hosted", [True, False])
def test_the_house_has_a_hundred_appliances(hosted: bool) -> None:
    specs = instances(load_site(soak_site(hosted=hosted), "soak").site)
    assert sum(spec.kind == "driver" for spec in specs) == APPLIANCES == 100
    assert sum(spec.hosted for spec in specs if spec.kind == "driver") == (41 if hosted else 1)
