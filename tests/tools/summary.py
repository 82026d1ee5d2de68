"""Says how a test run went: where the tests ran, what was left out, and what keeps it from being a pass.

usage: summary.py all|faults LIST JUNIT STATUS

LIST is what `cargo nextest list --message-format json` says exists, JUNIT what the run wrote, STATUS how nextest
ended. A test that exists and did not run is a failure: a green line must mean that everything was tried.
"""

import json
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

STORES = ("sqlite", "postgres")


def listed(path):
    """The tests that were to run, and those that are left for another run, as (suite, name)."""
    wanted, left = set(), set()
    for suite, content in json.loads(Path(path).read_text())["rust-suites"].items():
        for name, test in content["testcases"].items():
            matches = test["filter-match"]["status"] == "matches"
            (wanted if matches else left).add((suite, name))
    return wanted, left


def ran(path):
    """What each test that ended came to: (suite, name) to (passed, seconds)."""
    if not Path(path).exists():
        return {}
    results = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        failed = case.find("failure") is not None or case.find("error") is not None
        key = (case.get("classname"), case.get("name"))
        results[key] = (not failed, float(case.get("time", "0")))
    return results


def place(name):
    """The store a test ran on is the last segment of its name; most tests need none."""
    last = name.rsplit("::", 1)[-1]
    return last if last in STORES else "no store"


def problems(mode, wanted, results, status):
    """Everything that keeps the run from being a pass, besides failed tests."""
    found = []
    if wanted and not results:
        return [f"nextest wrote no result (status {status}); what it said stands above"]
    missing = sorted(wanted - results.keys())
    for suite, name in missing[:20]:
        found.append(f"did not run: {suite} {name}")
    if len(missing) > 20:
        found.append(f"did not run: {len(missing) - 20} more")
    places = Counter(place(name) for _, name in results)
    if mode == "all":
        found += [f"no test ran on {store}" for store in STORES if places[store] == 0]
    if not wanted:
        found.append("there is no test to run")
    failed = any(not passed for passed, _ in results.values())
    if status != 0 and not failed and not found:
        found.append(f"nextest ended with status {status}, though no test failed")
    return found


def table(results):
    """One line per place, with the seconds its tests took together."""
    count, failed, seconds = Counter(), Counter(), Counter()
    for (_, name), (passed, took) in results.items():
        where = place(name)
        count[where] += 1
        failed[where] += not passed
        seconds[where] += took
    for where in (*STORES, "no store"):
        note = f", {failed[where]} failed" if failed[where] else ""
        yield f"  {where:9}{count[where]:6} tests {seconds[where]:8.1f} s{note}"


def main():
    mode, list_path, junit_path, status = sys.argv[1:]
    wanted, left = listed(list_path)
    results = ran(junit_path)
    found = problems(mode, wanted, results, int(status))
    failures = sorted(key for key, (passed, _) in results.items() if not passed)

    print("Where they ran")
    print("\n".join(table(results)))
    slow = sorted(((took, key) for key, (_, took) in results.items() if took >= 10), reverse=True)
    for took, (suite, name) in slow[:5]:
        print(f"  slow     {took:6.1f} s  {suite} {name}")
    if left and mode == "all":
        print(f"  {len(left)} ignored with a reason; `make faults` runs them")
    if failures or found:
        print("\nWhat failed")
        for suite, name in failures:
            print(f"  test     {suite} {name}")
        for problem in found:
            print(f"  run      {problem}")
    print()
    passed = len(results) - len(failures)
    failed = len(failures) + len(found)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
