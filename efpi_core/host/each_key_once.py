"""Refuses frames in which an object has a key twice: two readers of such a frame may read two different things."""

from efi.repeated_key import repeated_key
from efpi_core.host.frame_error import FrameError
from efpi_core.host.frames import Deliver, Observed, Publish, Say

MOST_FORMS = 200
"""Forms of frames that are remembered; with the largest some 400 kB."""

LARGEST_FORM = 2048
"""Longer frames are looked at each time."""

_FIXED_NAMES = frozenset((Say, Deliver, Publish, Observed))
"""Frames all of whose keys are names of fields: small letters and underscores."""

_VARYING = b"0123456789.+-:TZ"
"""What varies from one frame to the next: numbers, instants and the ends of names."""

_NARROW, _WIDE = (b'_68":', b'_s":'), (b'_95":', b'_n":')
"""The only keys with numbers in them: the bands of uncertainty."""


class EachKeyOnce:
    """Looks at each form of frame once, since to read a frame a second time takes longer than to judge it.

    The form is the frame without what varies. As long as no text has a quotation mark in it, all strings, braces and
    commas are left, so that frames of one form have the same keys in the same places.
    """

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def check(self, payload: bytes, kind: type) -> None:
        """Raise FrameError when an object of a frame, which was found valid, has a key twice."""
        if kind not in _FIXED_NAMES or len(payload) > LARGEST_FORM or b"\\" in payload:
            _refuse_repeated(payload)
            return
        form = payload.replace(*_NARROW).replace(*_WIDE).translate(None, _VARYING)
        if form not in self._known:
            _refuse_repeated(payload)
            if len(self._known) >= MOST_FORMS:
                self._known.clear()
            self._known.add(form)


def _refuse_repeated(payload: bytes) -> None:
    try:
        path = repeated_key(payload)
    except (ValueError, RecursionError) as error:
        raise FrameError("unfit", f"the frame cannot be read twice: {error}"[:300]) from None
    if path is not None:
        raise FrameError("unfit", f"{path}: it stands twice in one object", "say it once")
