"""How a site changes: imports, the watch over a change, edits."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efpi_core.errors import RefusedError, SettingsError
from efpi_core.site.apply import ApplyWatch, Standing, Step
from efpi_core.site.edit import remove_value, set_value
from efpi_core.site.loader import load_site
from efpi_core.site.problem import SiteError
from efpi_core.site.revisions import (
    ImportDecision,
    ImportRecord,
    Origin,
    Revision,
    Verdict,
    decide_import,
    in_force,
    text_digest,
)
from tests.efpi_core.site.site_world import HOUSE

WELL, STARTING, FAILED = Standing.WELL, Standing.STARTING, Standing.FAILED


def revision(number: int, text: str, verdict: Verdict = Verdict.CONFIRMED, by: str = "Ann") -> Revision:
    return Revision(number, datetime(2026, 1, 1, tzinfo=UTC), by, "", Origin.APPLY, verdict, text_digest(text))


# --- import


def test_the_first_file_is_taken() -> None:
    assert decide_import("house.yaml", "a", None, None) is ImportDecision.TAKE


def test_a_file_that_did_not_change_is_left_alone_even_when_the_gateways_site_did() -> None:
    last = ImportRecord("house.yaml", text_digest("a"), 1)
    assert decide_import("house.yaml", "a", last, revision(1, "a")) is ImportDecision.KEEP
    assert decide_import("house.yaml", "a", last, revision(2, "b")) is ImportDecision.KEEP


def test_a_changed_file_is_taken_when_the_gateways_site_did_not_change() -> None:
    last = ImportRecord("house.yaml", text_digest("a"), 1)
    assert decide_import("house.yaml", "b", last, revision(1, "a")) is ImportDecision.TAKE


def test_a_file_that_equals_the_gateways_site_brings_both_together_again() -> None:
    last = ImportRecord("house.yaml", text_digest("a"), 1)
    assert decide_import("house.yaml", "b", last, revision(2, "b")) is ImportDecision.SAME
    assert decide_import("house.yaml", "b", None, revision(2, "b")) is ImportDecision.SAME


@pytest.mark.parametrize("last", [ImportRecord("house.yaml", text_digest("a"), 1), None])
def test_when_both_changed_it_is_refused_with_both_ways_out(last: ImportRecord | None) -> None:
    with pytest.raises(RefusedError) as refused:
        decide_import("house.yaml", "c", last, revision(2, "b", by="Bob"))
    assert "revision 2 by Bob" in refused.value.problem
    assert "efpi site show > house.yaml" in refused.value.cure
    assert "efpi site apply house.yaml" in refused.value.cure


def test_the_newest_confirmed_revision_is_in_force() -> None:
    kept = (
        revision(1, "a"),
        revision(3, "c"),
        revision(2, "b"),
        revision(4, "d", Verdict.REJECTED),
        revision(5, "e", Verdict.CANDIDATE),
    )
    assert in_force(kept) == kept[1]
    assert in_force(kept[3:]) is None


# --- the watch over a change


def watched(
    touched: Sequence[str], before: dict[str, Standing], looks: list[tuple[float, dict[str, Standing]]]
) -> tuple[Step, float, str]:
    """The decision that ended it, and when; of a window of 30 s and 5 s to settle."""
    watch = ApplyWatch(frozenset(touched), before, 100.0)
    for after_s, present in looks:
        decision = watch.look(100.0 + after_s, present)
        if decision.step is not Step.WAIT:
            return decision.step, after_s, decision.reason
    return Step.WAIT, 0.0, ""


def test_a_change_whose_instances_come_up_is_confirmed_when_they_have_run_a_while() -> None:
    looks = [(0.0, {"new": STARTING})] + [(float(t), {"new": WELL}) for t in range(2, 30)]
    assert watched(["new"], {}, looks) == (Step.CONFIRM, 7.0, "")


def test_a_change_that_touches_no_instance_is_confirmed_at_once() -> None:
    assert watched([], {"meter": WELL}, [(0.0, {"meter": WELL})])[0] is Step.CONFIRM


def test_an_instance_that_cannot_run_takes_the_change_back_at_once() -> None:
    step, when, reason = watched(["new"], {}, [(0.0, {"new": STARTING}), (1.0, {"new": FAILED})])
    assert (step, when) == (Step.ROLL_BACK, 1.0)
    assert "new cannot run" in reason


def test_an_instance_that_does_not_come_up_in_the_window_takes_the_change_back() -> None:
    step, when, reason = watched(["new"], {}, [(float(t), {"new": STARTING}) for t in range(60)])
    assert (step, when) == (Step.ROLL_BACK, 30.0)
    assert "new did not come up in 30 s" in reason


def test_an_instance_that_comes_up_and_falls_again_is_not_confirmed() -> None:
    looks = [(float(t), {"new": WELL if t % 4 else STARTING}) for t in range(40)]
    step, when, _ = watched(["new"], {}, looks)
    assert step is Step.ROLL_BACK and when >= 30


def test_an_unchanged_instance_that_fails_since_then_takes_the_change_back() -> None:
    step, _, reason = watched(
        ["new"], {"meter": WELL}, [(0.0, {"new": WELL, "meter": WELL}), (1.0, {"new": WELL, "meter": FAILED})]
    )
    assert step is Step.ROLL_BACK
    assert "meter, which was not changed" in reason


def test_an_instance_that_was_ill_before_does_not_count_against_the_change() -> None:
    looks = [(float(t), {"new": WELL, "sick": FAILED, "slow": STARTING}) for t in range(10)]
    assert watched(["new"], {"sick": FAILED, "slow": STARTING}, looks)[0] is Step.CONFIRM


def test_an_ill_instance_that_the_change_touches_counts() -> None:
    assert watched(["sick"], {"sick": FAILED}, [(1.0, {"sick": FAILED})])[0] is Step.ROLL_BACK


def test_an_instance_that_the_change_removed_is_not_missed() -> None:
    looks = [(float(t), {"new": WELL}) for t in range(10)]
    assert watched(["new"], {"old": WELL}, looks)[0] is Step.CONFIRM


STANDINGS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(list(Standing)), max_size=3)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.frozensets(st.sampled_from(["a", "b", "c"])), STANDINGS, st.lists(STANDINGS, min_size=40, max_size=40))
def test_a_watch_always_comes_to_an_end_and_never_confirms_what_failed(
    touched: frozenset[str], before: dict[str, Standing], course: list[dict[str, Standing]]
) -> None:
    watch = ApplyWatch(touched, before, 0.0)
    for second, present in enumerate([*course, *[course[-1]] * 40]):
        decision = watch.look(float(second), present)
        if decision.step is Step.CONFIRM:
            assert not any(present.get(name) in (FAILED, STARTING) for name in touched)
            return
        if decision.step is Step.ROLL_BACK:
            assert decision.reason
            return
    raise AssertionError("it still waits after 80 s")


# --- edits


def test_an_edit_changes_its_value_and_leaves_comments_quotes_and_order() -> None:
    edited = set_value(HOUSE, ("appliances", "meter", "config", "baud"), 9600)
    assert edited == HOUSE.replace("115200", "9600")


def test_an_edit_makes_the_mappings_on_its_way() -> None:
    edited = set_value("efpi: 1  # kept\n", ("comfort", "car", "ready_by"), "07:30")
    assert "# kept" in edited
    assert load_site(edited).site.comfort == {"car": {"ready_by": "07:30"}}


def test_an_edit_can_append_to_a_list_and_remove_from_it() -> None:
    longer = set_value(HOUSE, ("tariff", 1), {"import_per_kwh": "0.2"})
    assert len(load_site(longer).site.tariff) == 2
    shorter = remove_value(longer, ("tariff", 0))
    assert [str(band.import_per_kwh) for band in load_site(shorter).site.tariff] == ["0.2"]


def test_an_edit_can_remove_an_entry() -> None:
    edited = remove_value(HOUSE, ("connections", "pv-*"))
    assert load_site(edited).site.connections == {}
    assert "# the meter in the cellar" in edited


def test_an_edit_that_makes_no_site_is_refused() -> None:
    with pytest.raises(SiteError, match="no app 'nobody'"):
        set_value(HOUSE, ("connections", "pv-*"), "nobody")
    with pytest.raises(SiteError, match="no such key"):
        set_value(HOUSE, ("nam",), "x")


@pytest.mark.parametrize(
    "path", [("appliances", "car"), ("name", "first"), ("tariff", 7), ("tariff", 0, "import_per_kwh", "x")]
)
def test_an_edit_of_what_is_not_there_is_refused(path: tuple[str | int, ...]) -> None:
    with pytest.raises(SettingsError, match="no such entry"):
        remove_value(HOUSE, path)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
    | st.integers(-(10**15), 10**15)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.none()
    | st.lists(st.integers(0, 3), max_size=3)
)
def test_whatever_value_is_set_is_read_back_as_it_was(value: object) -> None:
    edited = set_value(HOUSE, ("appliances", "meter", "config", "port"), value)  # type: ignore[arg-type]  # JSON values
    read = load_site(edited).site.appliances["meter"].config
    assert read["port"] == value and type(read["port"]) is type(value)
    assert read["baud"] == 115200
