"""Finds when the UTC offset of a zone changes, by asking for the offset of one instant after the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = 60
DAY = 86_400

FIRST = int(datetime(2020, 1, 1, tzinfo=timezone.utc).timestamp())
LAST = int(datetime(2041, 1, 1, tzinfo=timezone.utc).timestamp())


@dataclass(frozen=True)
class Change:
    """The first instant of another offset. Offsets are in seconds."""

    instant: int
    before: int
    after: int

    @property
    def low(self) -> datetime:
        """The first local time that is left out or comes twice."""
        return local_at(self.instant, min(self.before, self.after))

    @property
    def width(self) -> int:
        """How many minutes are left out or come twice."""
        return abs(self.after - self.before) // MINUTE

    @property
    def kind(self) -> tuple[time, int]:
        return self.low.time(), self.after - self.before


def offset_of(local: datetime) -> int:
    offset = local.utcoffset()
    assert offset is not None
    seconds = int(offset.total_seconds())
    # A schedule says whole minutes. A change between them would need cases that are not here.
    assert seconds % MINUTE == 0, local
    return seconds


def offset_at(zone: ZoneInfo, instant: int) -> int:
    return offset_of(datetime.fromtimestamp(instant, zone))


def local_at(instant: int, offset: int) -> datetime:
    return datetime.fromtimestamp(instant + offset, timezone.utc).replace(tzinfo=None)


@lru_cache(maxsize=64)
def change_between(zone: ZoneInfo, early: int, late: int) -> int:
    """The first instant with the offset that the late one has. The early one has another."""
    offset = offset_at(zone, late)
    assert offset != offset_at(zone, early), zone
    while late - early > 1:
        middle = (early + late) // 2
        if offset_at(zone, middle) == offset:
            late = middle
        else:
            early = middle
    assert late % MINUTE == 0, zone
    return late


def changes(zone: ZoneInfo) -> list[Change]:
    """Looks at every day: no zone has had two changes on one."""
    found = []
    before = offset_at(zone, FIRST)
    for instant in range(FIRST + DAY, LAST + 1, DAY):
        after = offset_at(zone, instant)
        if after != before:
            found.append(Change(change_between(zone, instant - DAY, instant), before, after))
        before = after
    return found
