"""When something is open that has a local start: the contract of the calendar, and nothing else.

Written from the contract and not from the code of the gate, so that a mistake would have to be made twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from changes import MINUTE, change_between, offset_of

# A half-open stretch of time, in seconds since 1970.
Period = tuple[int, int]

# "elapsed" and minutes, or "local_end" and minutes of the day, where 24:00 is 1,440.
Length = tuple[str, int]


@lru_cache(maxsize=4096)
def readings(zone: ZoneInfo, local: datetime) -> Period:
    """The two instants that a local time can mean: with the offset before a change, and with the one after.

    Python calls them fold 0 and fold 1. They are the same where the clocks do not change. Where they go
    back both show this local time; where they go forward none does, and the first is the later one.
    """
    seconds = int(local.replace(tzinfo=timezone.utc).timestamp())
    before = offset_of(local.replace(tzinfo=zone, fold=0))
    after = offset_of(local.replace(tzinfo=zone, fold=1))
    return seconds - before, seconds - after


def opens(zone: ZoneInfo, local: datetime, freeze: bool) -> list[int]:
    """The instants at which an occurrence starts that has this local start."""
    before, after = readings(zone, local)
    if not freeze:
        return [before]
    if before > after:
        return [change_between(zone, after, before)]
    return sorted({before, after})


def closes(zone: ZoneInfo, start: datetime, minutes: int, freeze: bool) -> int:
    """The instant of the local end that follows a local start."""
    day = datetime.combine(start.date(), time())
    if minutes <= start.hour * 60 + start.minute:
        day += timedelta(days=1)
    both = readings(zone, day + timedelta(minutes=minutes))
    return max(both) if freeze else min(both)


def occurrence(zone: ZoneInfo, start: datetime, length: Length, freeze: bool) -> list[Period]:
    """What one local start gives; empty if nothing of it remains."""
    kind, minutes = length
    begins = opens(zone, start, freeze)
    if kind == "elapsed":
        if freeze and len(begins) == 1:
            # A freeze covers what a window would: after a skipped start, until that would close.
            return [(begins[0], readings(zone, start)[0] + minutes * MINUTE)]
        return [(it, it + minutes * MINUTE) for it in begins]
    end = closes(zone, start, minutes, freeze)
    return [(begins[0], end)] if begins[0] < end else []


def merged(periods: Iterable[Period]) -> list[Period]:
    """Periods that overlap or touch are one."""
    found: list[Period] = []
    for start, end in sorted(periods):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
