"""What an instance follows: patterns of observation names, and whom to call for each name."""

from collections.abc import Callable

from efpi_core.plugin.observation import Observation, matches

ObservationCallback = Callable[[Observation], None]

MOST_KNOWN = 10_000
"""So many names are remembered together with who follows them."""


class Watching:
    """Hands observations to those who asked for them; which name concerns whom is worked out once."""

    __slots__ = ("_followers", "_patterns")

    def __init__(self) -> None:
        self._patterns: list[tuple[tuple[str, ...], ObservationCallback]] = []
        self._followers: dict[str, tuple[ObservationCallback, ...]] = {}

    def follow(self, pattern: str, callback: ObservationCallback) -> None:
        """Call for each observation whose name fits the pattern."""
        self._patterns.append((tuple(pattern.split(".")), callback))
        self._followers.clear()

    def hand_on(self, observation: Observation) -> None:
        """Call those who follow it."""
        followers = self._followers.get(observation.name)
        if followers is None:
            if len(self._followers) >= MOST_KNOWN:
                self._followers.clear()
            parts = observation.name.split(".")
            followers = tuple(callback for pattern, callback in self._patterns if matches(pattern, parts))
            self._followers[observation.name] = followers
        for callback in followers:
            callback(observation)
