"""What changes between two sites."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efpi_core.site.diff import SiteDiff, diff_sites
from efpi_core.site.document import Site
from efpi_core.site.expand import InstanceSpec, instances
from tests.efpi_core.site.site_world import HOUSE, site


def changed(before: str, after: str) -> SiteDiff:
    assert before in HOUSE
    return diff_sites(site(HOUSE), site(HOUSE.replace(before, after)))


def test_a_site_does_not_differ_from_itself_whatever_its_comments() -> None:
    assert not diff_sites(site(HOUSE), site(HOUSE))
    assert not changed("  # the meter in the cellar\n", "")
    assert list(changed("# the format", "").lines()) == []


def test_a_changed_setting_is_told_by_its_path_and_starts_its_instance_anew() -> None:
    diff = changed("'/dev/ttyUSB0'", "/dev/ttyUSB1")
    assert list(diff.lines()) == [
        "~ meter (starts anew)",
        "    config.port: '/dev/ttyUSB0' → '/dev/ttyUSB1'",
    ]
    assert diff.touched == {"meter"}
    assert diff.changed[0].spec.config["port"] == "/dev/ttyUSB1"


def test_settings_that_come_and_go_are_told_as_such() -> None:
    diff = changed("      baud: 115200\n", "      parity: N\n")
    assert list(diff.lines())[1:] == ["    config.baud: 115200 (gone)", "    config.parity: 'N' (new)"]


def test_another_name_for_people_needs_no_new_start() -> None:
    diff = changed("    driver: p1\n", "    driver: p1\n    name: Cellar\n")
    assert list(diff.lines()) == ["~ meter", "    name: '' → 'Cellar'"]
    assert diff.touched == frozenset()


def test_where_and_how_it_runs_starts_it_anew() -> None:
    assert changed("    driver: p1\n", "    driver: p1\n    run: inline\n").touched == {"meter"}
    assert changed("    driver: p1\n", "    driver: p2\n").touched == {"meter"}


def test_instances_come_and_go_one_by_one_even_of_a_count() -> None:
    diff = changed("count: 2", "count: 3")
    assert [spec.instance for spec in diff.added] == ["pv-3"]
    assert not diff.changed and not diff.removed
    gone = changed("count: 2", "count: 1")
    assert list(gone.lines()) == ["- pv-2 (driver simulated.pv)"]
    assert gone.touched == frozenset()


def test_an_entry_that_is_disabled_is_gone_for_the_gateway() -> None:
    assert list(changed("{app: self_consumption}", "{app: self_consumption, enabled: false}").lines()) == [
        "- steering (app self_consumption)"
    ]


def test_one_entry_written_out_in_another_way_is_no_change() -> None:
    before = site('efpi: 1\nappliances: {pv: {driver: x, count: 2, config: {a: "%n%"}}}')
    after = site('efpi: 1\nappliances: {pv-1: {driver: x, config: {a: "1"}}, pv-2: {driver: x, config: {a: "2"}}}')
    assert not diff_sites(before, after)


def test_facts_limits_and_connections_are_told_apart() -> None:
    facts = changed("import_per_kwh: 0.30", "import_per_kwh: 0.31")
    assert list(map(str, facts.facts)) == ["tariff[0].import_per_kwh: '0.3' → '0.31'"]
    assert facts.restart_all and not facts.touched
    assert "all instances start anew" in list(facts.lines())[-1]
    limits = changed("current_a: 25", "current_a: 35")
    assert list(map(str, limits.limits)) == ["limits.fuse.current_a: 25.0 → 35.0"]
    assert not limits.restart_all
    connections = changed("{pv-*: null}", "{pv-*: steering}")
    assert list(map(str, connections.connections)) == ["connections.pv-*: 'nobody' → 'steering'"]


def test_another_name_of_the_house_starts_nothing_anew() -> None:
    before, after = site("efpi: 1\nname: Elm Street 12"), site("efpi: 1\nname: Elm Street 14")
    diff = diff_sites(before, after)
    assert list(map(str, diff.facts)) == ["name: 'Elm Street 12' → 'Elm Street 14'"]
    assert diff and not diff.restart_all


def test_the_order_of_connections_counts() -> None:
    before, after = (
        site(f"efpi: 1\napps: {{one: {{app: x}}}}\nconnections: {{{order}}}")
        for order in ('"p-*": one, "p-1*": null', '"p-1*": null, "p-*": one')
    )
    assert [change.path for change in diff_sites(before, after).connections] == ["connections (their order)"]


def test_a_number_and_a_truth_value_differ_though_python_takes_them_for_equal() -> None:
    before, after = (
        site(f"efpi: 1\nappliances: {{pv: {{driver: x, config: {{a: {value}}}}}}}") for value in ("1", "true")
    )
    assert diff_sites(before, after).touched == {"pv"}


NAMES = st.sampled_from(["meter", "pv", "battery", "car"])
VALUES = st.none() | st.integers(0, 2) | st.booleans() | st.sampled_from(["a", "%n%"])
CONFIG = st.dictionaries(st.sampled_from("abc"), VALUES | st.lists(VALUES, max_size=2), max_size=3)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "config": CONFIG,
        "enabled": st.booleans(),
        "run": st.sampled_from(["hosted", "inline"]),
        "count": st.integers(1, 3),
        "name": st.sampled_from(["", "x", "y %n%"]),
    },
)
OFFERS = st.sampled_from(["p1", "p2"])
APPLIANCES = st.dictionaries(
    NAMES, st.builds(lambda entry, offer: {"driver": offer, **entry}, ENTRY, OFFERS), max_size=4
)
APPS = st.dictionaries(st.just("steering"), st.builds(lambda entry: {"app": "x", **entry}, ENTRY), max_size=1)
SITES = st.builds(
    lambda **parts: Site.model_validate({"efpi": 1, **parts}),
    appliances=APPLIANCES,
    apps=APPS,
    preferences=st.dictionaries(st.sampled_from(["goal", "quiet"]), st.sampled_from(["x", "y"]), max_size=2),
    limits=st.sampled_from([{}, {"import_w": 5}, {"export_w": 0}]),
    connections=st.dictionaries(st.sampled_from(["pv", "pv-*", "car"]), st.none(), max_size=3),
)


def settled(spec: InstanceSpec) -> str:
    """What an instance is; where its entry stands does not count."""
    return json.dumps([spec.instance, spec.kind, spec.offer, spec.config, spec.hosted, spec.name], sort_keys=True)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(SITES, SITES)
def test_a_difference_leads_from_one_site_to_the_other_and_back(before: Site, after: Site) -> None:
    diff = diff_sites(before, after)
    running = {spec.instance: spec for spec in instances(before)}
    for spec in diff.removed:
        del running[spec.instance]
    for spec in diff.added:
        assert spec.instance not in running
        running[spec.instance] = spec
    for change in diff.changed:
        assert settled(running[change.spec.instance]) != settled(change.spec)
        running[change.spec.instance] = change.spec
    assert sorted(map(settled, running.values())) == sorted(map(settled, instances(after)))

    back = diff_sites(after, before)
    assert {spec.instance for spec in back.added} == {spec.instance for spec in diff.removed}
    assert [(value.before, value.after) for value in back.limits] == [
        (value.after, value.before) for value in diff.limits
    ]
    assert bool(diff) == bool(back)


@settings(max_examples=100, deadline=None)
@given(SITES, SITES)
def test_what_stays_untouched_is_the_same_in_both_sites(before: Site, after: Site) -> None:
    diff = diff_sites(before, after)
    old = {spec.instance: settled(replace(spec, name="")) for spec in instances(before)}
    for spec in instances(after):
        if spec.instance not in diff.touched:
            assert old[spec.instance] == settled(replace(spec, name=""))


@settings(max_examples=100, deadline=None)
@given(SITES, SITES)
def test_a_difference_can_be_told_to_people_and_programs(before: Site, after: Site) -> None:
    diff = diff_sites(before, after)
    assert bool(list(diff.lines())) == bool(diff)
    assert json.loads(json.dumps(diff.as_json())).keys() == {
        "added",
        "removed",
        "changed",
        "facts",
        "limits",
        "connections",
        "history",
    }
