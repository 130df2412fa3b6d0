"""What a washing machine may be asked: its steps in their order, at their time, before the deadline."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from efi.allocation import AllocationStatus
from efi.time_shiftable import (
    Alternative,
    SequenceAction,
    SequenceState,
    SequenceStatus,
    TimeShiftableStateUpdate,
)
from tests.efi.house import (
    HOUR,
    MINUTE,
    NOON,
    Talk,
    stamp,
    status_of,
    step,
    washer_registration,
    washer_talk,
    washer_work,
    washing,
    way,
)


def test_all_steps_can_be_asked_for_at_once() -> None:
    talk, work = washer_talk()
    talk.asks(washing(work.message_id, step("wash", NOON + HOUR), step("dry", NOON + 2 * HOUR, "slow")))


def test_steps_can_be_asked_for_one_by_one() -> None:
    talk, work = washer_talk()
    talk.asks(washing(work.message_id, step("wash", NOON + HOUR)))
    talk.asks(washing(work.message_id, step("dry", NOON + 2 * HOUR, "slow")))


def test_steps_come_in_their_order() -> None:
    talk, work = washer_talk()
    dry = step("dry", NOON + 2 * HOUR, "slow")
    assert talk.rejects(washing(work.message_id, dry)) == "sequence_order"
    early = step("dry", NOON + HOUR + 59 * MINUTE, "slow")
    assert talk.rejects(washing(work.message_id, step("wash", NOON + HOUR), early)) == "sequence_order"
    talk.asks(washing(work.message_id, dry, step("wash", NOON + HOUR)))


def test_a_step_that_the_appliance_has_begun_counts_as_allocated() -> None:
    talk, work = washer_talk()
    talk.hears(_state("wash", SequenceStatus.EXECUTING, starts_at=NOON - 30 * MINUTE))
    assert talk.rejects(washing(work.message_id, step("dry", NOON + 20 * MINUTE, "slow"))) == "sequence_order"
    talk.asks(washing(work.message_id, step("dry", NOON + 30 * MINUTE, "slow")))


def test_after_a_finished_step_the_next_may_start() -> None:
    talk, work = washer_talk()
    talk.hears(_state("wash", SequenceStatus.FINISHED))
    talk.asks(washing(work.message_id, step("dry", NOON, "slow")))
    assert talk.rejects(washing(work.message_id, step("wash", NOON))) == "already_begun"


def test_the_pause_between_two_steps_has_an_end() -> None:
    talk, work = washer_talk()
    wash = step("wash", NOON)
    late = step("dry", NOON + HOUR + 31 * MINUTE, "slow")
    assert talk.rejects(washing(work.message_id, wash, late)) == "interval_too_long"
    talk.asks(washing(work.message_id, wash, step("dry", NOON + HOUR + 30 * MINUTE, "slow")))


def test_a_way_may_allow_a_shorter_pause_than_its_step() -> None:
    work = washer_work()
    wash, dry = work.sequences
    quick = dry.alternatives[0].model_copy(update={"alternative_id": "quick", "maximum_interval_before": 5 * MINUTE})
    ways = (*dry.alternatives, quick)
    steps = (wash, dry.model_copy(update={"alternatives": ways}))
    talk = Talk(washer_registration(), work := work.model_copy(update={"sequences": steps}))
    at_once, late = step("wash", NOON), NOON + HOUR + 6 * MINUTE
    assert talk.rejects(washing(work.message_id, at_once, step("dry", late, "quick"))) == "interval_too_long"
    assert steps[1].longest_interval_before("slow") == 30 * MINUTE
    assert steps[1].longest_interval_before() == 5 * MINUTE, "any way can be chosen then"
    talk.asks(washing(work.message_id, at_once, step("dry", late, "slow")))


def test_the_cure_for_too_long_a_pause_names_an_instant_that_passes() -> None:
    talk, work = washer_talk()
    wash, late = step("wash", NOON), step("dry", NOON + 2 * HOUR, "slow")
    verdict = talk.session.from_app(washing(work.message_id, wash, late), NOON)
    assert verdict.refusal is not None
    assert verdict.refusal.cure == f"start it by {(NOON + HOUR + 30 * MINUTE).isoformat()}"


def test_work_does_not_start_before_it_is_ready() -> None:
    talk, work = washer_talk(start_after=NOON + HOUR)
    assert talk.rejects(washing(work.message_id, step("wash", NOON))) == "starts_too_early"
    talk.asks(washing(work.message_id, step("wash", NOON + HOUR)))


def test_work_ends_before_its_deadline_with_all_that_follows() -> None:
    talk, work = washer_talk(end_before=NOON + 4 * HOUR)
    latest = NOON + 4 * HOUR - work.shortest
    assert talk.rejects(washing(work.message_id, step("wash", latest + MINUTE))) == "deadline_missed"
    talk.asks(washing(work.message_id, step("wash", latest)))
    slow = washing(work.message_id, step("wash", latest), step("dry", latest + HOUR, "slow"))
    assert talk.rejects(slow) == "deadline_missed"


def test_a_start_that_has_passed_is_reckoned_from_now() -> None:
    talk, work = washer_talk(end_before=NOON + 4 * HOUR)
    talk.now = NOON + 3 * HOUR
    assert talk.rejects(washing(work.message_id, step("wash", NOON))) == "deadline_missed"


@pytest.mark.parametrize(
    ("sequence_id", "alternative_id", "rule"),
    [
        ("iron", None, "unknown_sequence"),
        ("wash", "eco", "unknown_alternative"),
        ("dry", None, "unknown_alternative"),
        ("dry", "fast", "abnormal_condition_only"),
    ],
)
def test_steps_and_ways_exist(sequence_id: str, alternative_id: str | None, rule: str) -> None:
    talk, work = washer_talk()
    before = () if sequence_id == "wash" else (step("wash", NOON),)
    asked = step(sequence_id, NOON + 2 * HOUR, alternative_id)
    assert talk.rejects(washing(work.message_id, *before, asked)) == rule


def test_an_emergency_opens_the_way_that_is_kept_for_it() -> None:
    talk, work = washer_talk()
    steps = (step("wash", NOON), step("dry", NOON + HOUR, "fast"))
    talk.asks(washing(work.message_id, *steps, abnormal_condition=True))


def test_only_interruptible_work_is_halted() -> None:
    talk, work = washer_talk()
    talk.asks(washing(work.message_id, step("wash", NOON), step("dry", NOON + HOUR, "slow")))
    talk.asks(washing(work.message_id, step("wash", NOON + 10 * MINUTE, action=SequenceAction.INTERRUPT)))
    halt = step("dry", NOON + 90 * MINUTE, "slow", action=SequenceAction.INTERRUPT)
    assert talk.rejects(washing(work.message_id, halt)) == "not_interruptible"


def test_a_halt_has_a_longest_time() -> None:
    talk, work = washer_talk()

    def halted(lasting: timedelta) -> tuple[object, ...]:
        begins = NOON + 10 * MINUTE
        return (
            step("wash", NOON),
            step("wash", begins, action=SequenceAction.INTERRUPT),
            step("wash", begins + lasting, action=SequenceAction.RESUME),
        )

    assert talk.rejects(washing(work.message_id, *halted(11 * MINUTE))) == "interruption_too_long"  # type: ignore[arg-type]
    talk.asks(washing(work.message_id, *halted(10 * MINUTE)))  # type: ignore[arg-type]


def test_halting_a_step_does_not_replace_what_started_it() -> None:
    talk, work = washer_talk()
    start = washing(work.message_id, step("wash", NOON))
    halt = washing(work.message_id, step("wash", NOON + MINUTE, action=SequenceAction.INTERRUPT))
    for allocation in (start, halt):
        talk.asks(allocation)
        talk.hears(status_of(allocation, AllocationStatus.ACCEPTED))
    assert [*talk.session.allocations] == [start.message_id, halt.message_id]


def test_new_work_replaces_the_old() -> None:
    talk, old = washer_talk()
    talk.hears(_state("wash", SequenceStatus.FINISHED))
    talk.hears(washer_work())
    assert talk.session.space.work_state is None
    assert talk.rejects(washing(old.message_id, step("wash", NOON))) == "update_not_live"


def test_a_state_of_the_work_needs_the_work_and_its_steps() -> None:
    talk = Talk(washer_registration())
    assert talk.refuses(_state("wash", SequenceStatus.EXECUTING)) == "work_missing"
    talk.hears(washer_work())
    assert talk.refuses(_state("iron", SequenceStatus.EXECUTING)) == "unknown_sequence"
    assert talk.refuses(_state("wash", SequenceStatus.EXECUTING, alternative_id="eco")) == "unknown_alternative"


def test_a_state_keeps_what_it_does_not_mention() -> None:
    talk, _ = washer_talk()
    talk.hears(_state("wash", SequenceStatus.FINISHED))
    talk.hears(_state("dry", SequenceStatus.SCHEDULED))
    told = talk.session.space.work_state
    assert told is not None
    assert {each.sequence_id: each.status for each in told.sequences} == {
        "wash": SequenceStatus.FINISHED,
        "dry": SequenceStatus.SCHEDULED,
    }


def test_work_whose_deadline_has_passed_is_refused() -> None:
    talk = Talk(washer_registration(), now=NOON + 9 * HOUR)
    assert talk.refuses(washer_work()) == "deadline_passed"


def test_a_deadline_that_no_way_can_meet_is_refused() -> None:
    with pytest.raises(ValidationError, match="deadline_too_early"):
        washer_work(end_before=NOON + HOUR)
    washer_work(end_before=NOON + 90 * MINUTE)


def test_a_longest_interruption_belongs_to_interruptible_work() -> None:
    with pytest.raises(ValidationError, match="interruption_of_uninterruptible"):
        way("only", HOUR, maximum_interruption=MINUTE)


def test_steps_and_ways_have_names_of_their_own() -> None:
    (wash, dry) = washer_work().sequences
    with pytest.raises(ValidationError, match="repeated_id"):
        washer_work(sequences=(wash, wash))
    with pytest.raises(ValidationError, match="repeated_id"):
        dry.__class__(sequence_id="dry", alternatives=(way("slow", HOUR), way("slow", HOUR)))


def test_the_latest_start_leaves_the_shortest_ways_their_time() -> None:
    work = washer_work()
    assert work.shortest == 90 * MINUTE
    assert work.latest_start == NOON + 8 * HOUR - 90 * MINUTE
    assert isinstance(work.sequences[0].alternative(None), Alternative)
    assert work.sequences[1].alternative(None) is None, "of two ways one must be named"


def _state(sequence_id: str, status: SequenceStatus, **fields: object) -> TimeShiftableStateUpdate:
    told = SequenceState(sequence_id=sequence_id, status=status, **fields)  # type: ignore[arg-type]
    return TimeShiftableStateUpdate(**stamp(), valid_from=NOON, sequences=(told,))
