"""What was seen lately is remembered, and no more than that."""

import sys

from efi.recent import IdRing, RecentIds


def test_recent_ids_are_known_for_a_while() -> None:
    recent = RecentIds(16)
    for number in range(1000):
        recent.add(f"id-{number}")
        assert all(f"id-{known}" in recent for known in range(max(0, number - 15), number + 1))
    assert "id-960" not in recent
    assert "id-1000" not in recent


def test_a_ring_knows_exactly_its_last_ids() -> None:
    ring = IdRing(64)
    for number in range(200):
        ring.add(f"id-{number}")
    known = [number for number in range(300) if f"id-{number}" in ring]
    assert known == [*range(136, 200)]


def test_a_ring_forgets_what_it_is_told_to() -> None:
    ring = IdRing(4)
    ring.add("one")
    ring.add("two")
    assert ring.discard("one")
    assert not ring.discard("one")
    assert "one" not in ring
    assert "two" in ring


def test_a_ring_is_small() -> None:
    ring = IdRing(64)
    assert sys.getsizeof(ring._hashes) < 700
