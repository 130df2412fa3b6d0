"""Finds a key that stands twice in one JSON object: two readers of such a text may read two different things."""

import json

LONGEST_SHOWN = 80
"""Characters of a key that are shown."""


class _Object(list[tuple[str, object]]):
    """The pairs of a JSON object, repeated ones too."""


def repeated_key(text: bytes | str) -> str | None:
    """The path of the first key that its object has twice, as `values.0.quantity`; None when there is none.

    The text must have been read before by a reader that bounds its depth. Raises ValueError when it is no JSON.
    """
    waiting: list[tuple[str, object]] = [("", json.loads(text, object_pairs_hook=_Object))]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, _Object):
            seen: set[str] = set()
            for key, part in value:
                shown = json.dumps(key)[1:-1][:LONGEST_SHOWN]
                here = f"{path}.{shown}" if path else shown
                if key in seen:
                    return here
                seen.add(key)
                waiting.append((here, part))
        elif isinstance(value, list):
            waiting.extend((f"{path}.{index}" if path else str(index), part) for index, part in enumerate(value))
    return None
