"""Schedules about a change of the offset: before, in and after what is left out or comes twice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from changes import DAY, Change
from contract import Length

DAY_MINUTES = 1_440
ALL_DAYS = tuple(range(1, 32))


@dataclass(frozen=True)
class Schedule:
    """Fields of a cron expression, in the month of one year that is looked at, and a time to ask at."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    month: date
    after: int

    @classmethod
    def at(cls, start: datetime, after: int) -> Schedule:
        return cls((start.minute,), (start.hour,), (start.day,), start.date(), after)

    def cron(self) -> str:
        days = "*" if self.days == ALL_DAYS else listed(self.days)
        return f"{listed(self.minutes)} {listed(self.hours)} {days} {self.month.month} *"

    def starts(self) -> Iterator[datetime]:
        for day in self.days:
            for hour in self.hours:
                for minute in self.minutes:
                    # The thirtieth of February is no day.
                    with contextlib.suppress(ValueError):
                        yield datetime(self.month.year, self.month.month, day, hour, minute)


Case = tuple[Schedule, Length]


def listed(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))


def minutes_of(local: datetime) -> int:
    return local.hour * 60 + local.minute


def single(change: Change) -> Iterator[Case]:
    """One start before, in or after the gap or fold, and ends before, in and after it."""
    low, width = change.low, change.width or 60
    points = (-1560, -540, -60, -1, 0, 1, width // 2, width - 1, width, width + 1, width + 45, width + 540)
    limits = (-45, -1, 0, 1, width // 2, width - 1, width, width + 1, width + 90)
    ends = [minutes_of(low + timedelta(minutes=it)) for it in limits]
    for point in points:
        start = low + timedelta(minutes=point)
        schedule = Schedule.at(start, change.instant - 3 * DAY)
        yield from ((schedule, ("elapsed", it)) for it in (1, 30, 60, 180, DAY_MINUTES))
        own = minutes_of(start)
        # The last three are a whole day, the longest that is less, and the shortest.
        around = (own, (own - 1) % DAY_MINUTES, own + 1)
        every = dict.fromkeys((*ends, 0, DAY_MINUTES, *around))
        yield from ((schedule, ("local_end", it)) for it in every)


def several(change: Change) -> Iterator[Case]:
    """Many starts about the change: the gap brings them out of order, the fold doubles them."""
    low, width = change.low, change.width or 60
    limits = [minutes_of(low + timedelta(minutes=it)) for it in (0, width // 2, width)]
    hours = tuple(sorted({(low.hour + it) % 24 for it in range(-1, 3)}))
    twice = tuple(sorted((low.minute, (low.minute + 20) % 60)))
    days = tuple(it for it in range(low.day - 1, low.day + 2) if 1 <= it <= 31)
    often = tuple(range(0, 60, 10))
    for minutes, on in ((twice, days), (often, (low.day,))):
        schedule = Schedule(minutes, hours, on, low.date(), change.instant - 3 * DAY)
        yield from ((schedule, ("elapsed", it)) for it in (1, 10, 25, 60))
        yield from ((schedule, ("local_end", it)) for it in limits)


def chained(change: Change) -> Iterator[Case]:
    """Every day of the month, so long that the days touch or miss each other by the change alone."""
    for point in (-60, 0, (change.width or 60) // 2):
        start = change.low + timedelta(minutes=point)
        own = minutes_of(start)
        month = start.date()
        # Asked in the midst of a chain, whose start lies days before.
        schedule = Schedule((start.minute,), (start.hour,), ALL_DAYS, month, change.instant - 2 * DAY)
        day_without = DAY_MINUTES - change.width
        yield from ((schedule, ("elapsed", it)) for it in (day_without, day_without - 1, DAY_MINUTES))
        yield from ((schedule, ("local_end", it)) for it in (own, (own - 1) % DAY_MINUTES))
