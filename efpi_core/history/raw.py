"""The raw values of one channel: from its chunks, and from what is not sealed yet."""

import logging
import sqlite3
from bisect import bisect_left
from itertools import pairwise

from efpi_core.history.chunk import DamagedChunkError, decode
from efpi_core.history.series import Series, joined

LOG = logging.getLogger("efpi.history")

_CHUNKS = "SELECT content FROM chunk WHERE channel = ? AND last >= ? AND first < ? ORDER BY id"


def raw_values(
    connection: sqlite3.Connection, channel: int, since: int, until: int, unsealed: Series | None = None
) -> Series:
    """The values with stamps in [since, until), in ms, by stamp; of several at one stamp the one that came last.

    A chunk that is damaged is passed over and named in the log.
    """
    parts: list[Series] = []
    for (content,) in connection.execute(_CHUNKS, (channel, since, until)):
        try:
            found = decode(content)
        except DamagedChunkError as error:
            LOG.warning("channel %d: %s", channel, error)
            continue
        parts.append(_within(found, since, until))
    if unsealed is not None and len(unsealed):
        parts.append(_within(unsealed, since, until))
    parts = [part for part in parts if len(part)]
    if not parts:
        return Series([], [])
    following = all(before.stamps[-1] < after.stamps[0] for before, after in pairwise(parts))
    whole = joined(parts)
    whole.rising = following and all(part.ascending for part in parts)
    return whole.ordered()


def _within(series: Series, since: int, until: int) -> Series:
    ordered = series if series.ascending else series.ordered()
    if since <= ordered.stamps[0] and ordered.stamps[-1] < until:
        return series  # as it came, since of several values at one stamp the last one counts
    return ordered.part(bisect_left(ordered.stamps, since), bisect_left(ordered.stamps, until))
