"""Every parser of bytes from outside keeps its promises: on its corpus, and on 2,000 inputs made from it."""

import resource

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.fuzz.inputs import inputs
from tests.fuzz.target import CORPUS, target_named, target_names
from tests.fuzz.watch import no_hang
from tests.fuzz.watched import WATCHED

INPUTS = 2000

MOST_MEMORY_KB = 200 * 1024
"""What 2,000 inputs may add to the process, its own modules included."""

KEPT = sorted((path.parent.name, path.name) for path in CORPUS.glob("*/*"))


def test_every_target_has_a_corpus_and_packages_to_watch_and_these_have_a_target() -> None:
    assert sorted({name for name, _ in KEPT}) == sorted(WATCHED) == target_names()


@pytest.mark.parametrize(("name", "file"), KEPT)
def test_the_kept_inputs_break_nothing(name: str, file: str) -> None:
    with no_hang():
        target_named(name).feed((CORPUS / name / file).read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("name", target_names())
def test_inputs_made_from_the_corpus_break_nothing(name: str) -> None:
    target = target_named(name)
    fed = 0

    @settings(max_examples=INPUTS, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def feed_all(drawn: st.DataObject) -> None:
        nonlocal fed
        data = drawn.draw(inputs(target))
        fed += 1
        note(repr(data))
        with no_hang():
            target.feed(data)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    feed_all()
    assert fed >= INPUTS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY_KB
