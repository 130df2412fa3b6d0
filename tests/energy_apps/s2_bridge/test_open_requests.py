"""What an energy manager asked is held when it is gone, and given back when nobody speaks for it any more."""

from typing import Any

from efpi_app_s2_bridge.open_requests import OpenRequests

from efi.allocation import AllocationStatus
from tests.efi.house import NOON, status_of
from tests.support.settable_clock import SettableClock


class Desk:
    """Requests on a clock that a test moves, and what was taken back."""

    def __init__(self, hold_s: float = 60.0) -> None:
        self.clock = SettableClock(NOON)
        self.taken_back: list[str | None] = []
        self.changes = 0
        desk: Any = self
        self.requests = OpenRequests(desk, desk, hold_s, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def revoke(self, allocation_id: str | None = None, reason: str = "") -> None:
        self.taken_back.append(allocation_id)

    def call_later(self, seconds: float, job: Any) -> Any:
        return self.clock.call_later(seconds, job)

    def word(self, name: str, status: AllocationStatus) -> bool:
        return self.requests.speaks_of(status_of(name, status))


def test_what_the_present_conversation_asked_is_its_own():
    desk = Desk()
    desk.requests.asked("a1")
    assert desk.word("a1", AllocationStatus.ACCEPTED)
    assert not desk.word("b1", AllocationStatus.ACCEPTED)
    assert desk.word("a1", AllocationStatus.FINISHED)
    assert not desk.word("a1", AllocationStatus.ABORTED), "it had ended"


def test_what_is_left_is_held_and_then_given_back():
    desk = Desk()
    desk.requests.asked("a1")
    desk.requests.left()
    assert desk.requests.holding
    desk.clock.pass_time(59)
    assert desk.taken_back == []
    desk.clock.pass_time(2)
    assert (desk.taken_back, desk.requests.holding) == (["a1"], False)


def test_a_second_loss_holds_anew():
    desk = Desk()
    desk.requests.asked("a1")
    desk.requests.left()
    desk.clock.pass_time(50)
    desk.requests.asked("a2")
    desk.requests.left()
    desk.clock.pass_time(50)
    assert desk.taken_back == []
    desk.clock.pass_time(11)
    assert sorted(map(str, desk.taken_back)) == ["a1", "a2"]


def test_a_new_request_that_is_refused_leaves_the_old_one():
    desk = Desk()
    desk.requests.asked("a1")
    desk.requests.left()
    desk.requests.asked("a2")
    desk.word("a2", AllocationStatus.REJECTED)
    assert desk.taken_back == []
    desk.requests.asked("a3")
    desk.word("a3", AllocationStatus.ACCEPTED)
    assert desk.taken_back == ["a1"]


def test_what_ended_by_itself_is_not_taken_back():
    desk = Desk()
    desk.requests.resumed("a1")
    desk.word("a1", AllocationStatus.FINISHED)
    desk.clock.pass_time(61)
    assert desk.taken_back == []


def test_without_a_hold_it_is_given_back_at_once():
    desk = Desk(hold_s=0)
    desk.requests.asked("a1")
    desk.requests.left()
    desk.clock.pass_time(0)
    assert desk.taken_back == ["a1"]


def test_in_other_hands_nothing_is_taken_back():
    desk = Desk()
    desk.requests.asked("a1")
    desk.requests.left()
    desk.requests.forget()
    desk.clock.pass_time(600)
    assert (desk.taken_back, desk.requests.holding) == ([], False)
