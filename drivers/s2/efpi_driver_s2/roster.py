"""Who is who: each device keeps its name here for good, however often it comes and goes and whatever it says."""

import re
from datetime import date, timedelta
from hashlib import sha256
from typing import NamedTuple

from efpi_core.plugin.context import Context

LONGEST_PLAIN = 24
"""Characters of a resource id that is taken as it is; a longer one is cut and marked."""

MOST_OF_ONE_HOLDER = 8
"""Different devices that may come in by the same credentials, as a box that speaks for several."""

FORGOTTEN_AFTER = timedelta(days=30)
"""A device that was away for longer gives its place to another when there is no other place left."""

_PLAIN = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{LONGEST_PLAIN - 1}}}")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_KEPT = "device."


class Known(NamedTuple):
    """One device, as it is remembered."""

    resource_id: str
    """The id by which it names itself."""
    holder: str
    """By whose credentials it came in first; nobody else is taken for it. Empty: by none."""
    seen: date
    """The day on which it was last here."""


class NotAdmittedError(Exception):
    """Somebody who says to be a device is not taken for it; the text tells why."""

    def __init__(self, detail: str, text: str, cure: str) -> None:
        super().__init__(text)
        self.detail = detail
        self.cure = cure


class Roster:
    """The devices by their keys, kept over restarts."""

    def __init__(self, context: Context, most: int) -> None:
        self._context = context
        self._most = most
        self._known: dict[str, Known] = {}
        for name in context.storage:
            if name.startswith(_KEPT) and (known := _recalled(context.storage.get(name))) is not None:
                self._known[name.removeprefix(_KEPT)] = known

    def __len__(self) -> int:
        """How many there are."""
        return len(self._known)

    def items(self) -> tuple[tuple[str, Known], ...]:
        """Keys and devices."""
        return tuple(self._known.items())

    def key_of(self, resource_id: str, holder: str) -> str:
        """The key of a device that came in by somebody's credentials; raises NotAdmittedError for an impostor."""
        today = self._context.now().date()
        key = next((key for key, known in self._known.items() if known.resource_id == resource_id), None)
        if key is None:
            self._refuse_crowd(holder)
            self._make_room(today)
            key = self._new_key(resource_id)
        elif (known := self._known[key]).holder != holder:
            self._hand_over(known, holder)
        self._keep(key, Known(resource_id, holder, today))
        return key

    def _hand_over(self, known: Known, holder: str) -> None:
        """What came in without credentials, as on trial, belongs to the first who shows some; all else is kept."""
        if known.holder:
            raise NotAdmittedError(
                "identity_taken",
                f"it says to be {known.resource_id}, which came in by {_credentials(known.holder)} before",
                "give the device the same token as before, or another resource id",
            )
        self._refuse_crowd(holder)

    def _refuse_crowd(self, holder: str) -> None:
        """One device's credentials do not take the places of all others."""
        if holder and sum(known.holder == holder for known in self._known.values()) >= MOST_OF_ONE_HOLDER:
            raise NotAdmittedError(
                "too_many_devices",
                f"{_credentials(holder)} brought {MOST_OF_ONE_HOLDER} different devices already",
                "give each device a token of its own",
            )

    def _make_room(self, today: date) -> None:
        if len(self._known) < self._most:
            return
        key, oldest = min(self._known.items(), key=lambda entry: entry[1].seen)
        if today - oldest.seen <= FORGOTTEN_AFTER:
            raise NotAdmittedError(
                "too_many_devices",
                f"{self._most} devices are known, which is all",
                "raise most_devices; one that stays away for a month gives way by itself",
            )
        self.forget(key)

    def forget(self, key: str) -> None:
        """A device will not come back."""
        del self._known[key]
        self._context.storage.put(f"{_KEPT}{key}", None)
        if self._context.appliance_id(key) in self._context.appliances:
            self._context.remove_appliance(key, "it stayed away for a month, and others came")

    def _new_key(self, resource_id: str) -> str:
        if _PLAIN.fullmatch(resource_id) and resource_id not in self._known:
            return resource_id
        start = _UNFIT.sub("-", resource_id).strip("-_")[: LONGEST_PLAIN - 9].rstrip("-_") or "device"
        digest = sha256(resource_id.encode(errors="surrogatepass")).hexdigest()
        tails = (digest[at : at + 8] for at in range(0, len(digest), 8))
        return next(key for tail in tails if (key := f"{start}-{tail}") not in self._known)

    def _keep(self, key: str, known: Known) -> None:
        self._known[key] = known
        self._context.storage.put(f"{_KEPT}{key}", [known.resource_id, known.holder, known.seen.isoformat()])


def _recalled(kept: object) -> Known | None:
    match kept:
        case [str() as resource_id, str() as holder, str() as seen]:
            try:
                return Known(resource_id, holder, date.fromisoformat(seen))
            except ValueError:
                return None
        case _:
            return None


def _credentials(holder: str) -> str:
    return f"the credentials of '{holder}'"
