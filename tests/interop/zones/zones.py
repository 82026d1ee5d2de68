"""Says what the calendar has to find, from nothing but its contract and Python's own time zones.

Reads the names of time zones from standard input, one a line. Finds every change of their UTC offset from
2020 to 2040, and writes for schedules around each of them what periods they have to give: one JSON object a
line, which `zones.rs` holds against the calendar of the gate. The first line says which release of the time
zone database this is, the last one what was found.
"""

from __future__ import annotations

import importlib.resources
import json
import sys
import zoneinfo
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

import tzdata
from cases import Case, Schedule, chained, several, single
from changes import DAY, Change, changes, offset_at
from contract import Length, Period, merged, occurrence

# Zones whose offset never changes are looked at here; any instant would do.
QUIET = int(datetime(2030, 6, 15, 12, tzinfo=timezone.utc).timestamp())

# Of the cases around a change, every so many-th is taken, and other ones at the next change. The first
# change of its kind in a zone has all. Prime, so that no schedule and no length is left out for good.
STRIDE = 13
# The same for a zone that has the very rules of one that came before, or no change at all.
STRIDE_OF_SAME = 23


THINNED = (
    f"every {STRIDE}th case around a change, but each around the first of its kind in a zone, and every"
    f" {STRIDE_OF_SAME}rd where a zone has the rules of another one or no change"
)


def expected(zone: ZoneInfo, case: Case, until: int, freeze: bool) -> list[Period]:
    """All periods that end after the instant asked at and start before `until`, whole."""
    schedule, length = case
    found = (it for start in schedule.starts() for it in occurrence(zone, start, length, freeze))
    return [it for it in merged(found) if it[1] > schedule.after and it[0] < until]


def lines(zone: ZoneInfo, change: Change, taken: Iterable[Case]) -> Iterator[dict[str, object]]:
    """The cases of one schedule are one line: whoever reads it need not read the schedule again."""
    until = change.instant + 3 * DAY
    together: dict[Schedule, list[Length]] = {}
    for schedule, length in taken:
        together.setdefault(schedule, []).append(length)
    for schedule, lengths in together.items():
        cases = []
        for length in lengths:
            kind, minutes = length
            case: dict[str, object] = {
                kind: f"{minutes // 60:02}:{minutes % 60:02}" if kind == "local_end" else minutes,
            }
            for reading in ("window", "freeze"):
                case[reading] = expected(zone, (schedule, length), until, reading == "freeze")
            cases.append(case)
        asked = {"starts": schedule.cron(), "after": schedule.after, "until": until, "cases": cases}
        yield {"schedule": asked}


@lru_cache(maxsize=64)
def cases(change: Change) -> tuple[Case, ...]:
    return (*single(change), *several(change), *chained(change))


def compare(zone: ZoneInfo, found: list[Change], again: bool) -> Iterator[dict[str, object]]:
    offset = offset_at(zone, QUIET)
    kinds = set()
    for number, change in enumerate(found or [Change(QUIET, offset, offset)]):
        stride = STRIDE
        if again or not found:
            stride = STRIDE_OF_SAME
        elif change.kind not in kinds:
            stride = 1
        kinds.add(change.kind)
        yield from lines(zone, change, cases(change)[number % stride :: stride])


def alike(names: Iterable[str]) -> Iterable[list[str]]:
    """Zones with the same file are the same but for their name."""
    found: dict[bytes, list[str]] = {}
    for name in names:
        *folders, file = name.split("/")
        package = ".".join(["tzdata", "zoneinfo", *folders])
        rules = importlib.resources.files(package).joinpath(file).read_bytes()
        found.setdefault(rules, []).append(name)
    return found.values()


def say(line: dict[str, object]) -> None:
    print(json.dumps(line, separators=(",", ":")))


def main() -> None:
    # Only the package counts, whatever the system has.
    zoneinfo.reset_tzpath(to=[])
    asked = set(sys.stdin.read().split())
    known = zoneinfo.available_timezones()
    release = {
        "version": tzdata.IANA_VERSION,
        "only_asked": sorted(asked - known),
        "only_known": sorted(known - asked),
        "thinned": THINNED,
    }
    say({"release": release})
    zones = transitions = 0
    for names in alike(sorted(asked & known)):
        found = changes(ZoneInfo(names[0]))
        for name in names:
            say({"zone": {"name": name, "transitions": [it.instant for it in found]}})
            for line in compare(ZoneInfo(name), found, name != names[0]):
                say(line)
            zones += 1
            transitions += len(found)
    say({"end": {"zones": zones, "transitions": transitions}})


if __name__ == "__main__":
    main()
