"""Which version two sides speak: S2's protocol versions compare as exact text, but for their one known respelling."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from efi.s2.profile import Profile


class Agreement(NamedTuple):
    """A version that both sides speak."""

    profile: Profile
    version: str
    """As the other side spells it, which is how it wants to hear it."""


_PROFILES = {**{profile.value: profile for profile in Profile}, "1": Profile.V1}


def profile_of(version: str) -> Profile | None:
    """The profile that a version names, or None. S2 Connect writes `v1.0.0` for 1.0.0, its token server `v1`."""
    return _PROFILES.get(version.removeprefix("v"))


def agree(ours: Sequence[Profile], theirs: Iterable[str]) -> Agreement | None:
    """The first of our profiles that they speak, too; None where there is none."""
    spoken: dict[Profile, str] = {}
    for version in theirs:
        profile = profile_of(version)
        if profile is not None:
            spoken.setdefault(profile, version)
    return next((Agreement(profile, spoken[profile]) for profile in ours if profile in spoken), None)
