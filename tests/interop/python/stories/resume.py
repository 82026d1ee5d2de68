"""Streams that are interrupted in the middle go on where they were: signals, status."""

from __future__ import annotations

from collections.abc import Iterable

from countersign.v1.change_request_pb2 import ChangeRequest
from countersign.v1.runner_service_pb2 import TaskSignal
from countersign.v1.task_pb2 import (
    SIGNAL_HOLD,
    SIGNAL_PROCEED,
    SIGNAL_TERMINATE,
    SIGNAL_UNSPECIFIED,
    TASK_STATE_CLEARED,
    TASK_STATE_PAUSED,
    TASK_STATE_RUNNING,
    TASK_STATE_SUCCEEDED,
    TASK_STATE_TERMINATED,
)
from expect import check, equal
from interruption import INTERRUPTIONS, Interruption, over
from stage import Stage, stage
from tape import Stretch, Tape
from world import World


def in_order(sequences: Iterable[tuple[str, int]], what: str) -> None:
    """What a reader is told about one thing never goes back."""
    newest: dict[str, int] = {}
    for name, sequence in sequences:
        check(sequence >= newest.get(name, 0), f"{what}: {name} went back to {sequence}")
        newest[name] = sequence


async def signals(world: World, interruption: Interruption) -> None:
    """the present signal of each task comes again, what ended meanwhile too, then newer ones"""
    async with stage(world, f"signals-{interruption.__name__}") as (it, relay):
        await it.ask("held", "cleared", "started", "approved", "rejected", "gone")
        await it.approve("cleared")
        await it.approve("started")
        await it.start("started")
        await it.reject("gone")
        by_name = it.signals("held", "cleared", "started", "approved", "rejected", "gone")
        by_runner = it.signals()
        before = {
            "held": SIGNAL_HOLD,
            "cleared": SIGNAL_PROCEED,
            "started": SIGNAL_UNSPECIFIED,
            "approved": SIGNAL_HOLD,
            "rejected": SIGNAL_HOLD,
        }
        equal(told(it, await by_name.synced(1)), before | {"gone": SIGNAL_TERMINATE}, "signals by name")
        named = all_signals(by_name)
        equal(told(it, await by_runner.synced(1)), before, "signals by runner")

        async def meanwhile() -> None:
            await it.approve("approved")
            await it.reject("rejected")

        await interruption(world, relay, meanwhile)
        after = before | {"approved": SIGNAL_PROCEED, "rejected": SIGNAL_TERMINATE}
        gone = {"gone": SIGNAL_TERMINATE}
        equal(told(it, await by_name.resumed()), after | gone, "signals by name, again")
        if any(s.signal == SIGNAL_TERMINATE and s.sequence > by_runner.stretches[0].position for s in named):
            # Its end came after the token, so to say meanwhile.
            after |= gone
        equal(told(it, await by_runner.resumed()), after, "signals by runner, again")

        await it.approve("held")
        for tape in (by_name, by_runner):
            await tape.until(lambda tape=tape: heard(tape, it.task_id("held"), SIGNAL_PROCEED), "the next signal")
            equal(len(tape.stretches), 2, "connections that signals came on")
            in_order(((s.task_id, s.sequence) for s in all_signals(tape)), "signals")


def told(it: Stage, stretch: Stretch) -> dict[str, int]:
    """Each signal up to `synced`, by task; each task is told of once."""
    found = [signal for message in stretch.snapshot() for signal in message.signals]
    by_task = {it.name(signal.task_id): signal.signal for signal in found}
    equal(len(found), len(by_task), "signals before `synced`, which are to be one for each task")
    return by_task


def all_signals(tape: Tape) -> list[TaskSignal]:
    return [signal for stretch in tape.stretches for message in stretch.messages for signal in message.signals]


def heard(tape: Tape, task_id: str, signal: int) -> bool:
    return any((it.task_id, it.signal) == (task_id, signal) for it in all_signals(tape))


async def status(world: World, interruption: Interruption) -> None:
    """named change requests come again, others only if they changed; a watch that is to end does"""
    async with stage(world, f"status-{interruption.__name__}") as (it, relay):
        await it.ask("held", "approved", "rejected", "running")
        await it.approve("running")
        await it.start("running")
        by_name = it.status("held", "approved", "rejected", "running")
        by_environment = it.status()
        to_its_end = it.status("rejected", "running", end_when_done=True)
        before = {
            "held": TASK_STATE_PAUSED,
            "approved": TASK_STATE_PAUSED,
            "rejected": TASK_STATE_PAUSED,
            "running": TASK_STATE_RUNNING,
        }
        equal(shown(it, await by_name.synced(1)), before, "states by name")
        equal(shown(it, await by_environment.synced(1)), before, "states by environment")
        await to_its_end.synced(1)
        ends_meanwhile = it.status("rejected", end_when_done=True)
        await ends_meanwhile.synced(1)

        async def meanwhile() -> None:
            await it.approve("approved")
            await it.reject("rejected")

        await interruption(world, relay, meanwhile)
        changed = {"approved": TASK_STATE_CLEARED, "rejected": TASK_STATE_TERMINATED}
        equal(shown(it, await by_name.resumed()), before | changed, "states by name, again")
        first = by_environment.stretches[0]
        # What is newer than the token counts as changed, though it has been sent.
        newer = {it.name(s.tasks[0].id) for s in states_of(first) if s.sequence > first.position}
        expected = {name: state for name, state in before.items() if name in newer} | changed
        equal(shown(it, await by_environment.resumed()), expected, "states by environment that changed meanwhile")

        await ends_meanwhile.ended()
        equal(last_states(it, ends_meanwhile), {"rejected": TASK_STATE_TERMINATED}, "what ended meanwhile")
        await to_its_end.resumed()
        await it.finish("running")
        await to_its_end.ended()
        ends = {"rejected": TASK_STATE_TERMINATED, "running": TASK_STATE_SUCCEEDED}
        equal(last_states(it, to_its_end), ends, "the last states on the stream that ended")
        for tape in (ends_meanwhile, to_its_end):
            equal(len(tape.stretches), 2, "connections that states came on")

        finished = it.task_id("running")
        for tape in (by_name, by_environment):
            await tape.until(lambda tape=tape: reached(tape, finished, TASK_STATE_SUCCEEDED), "the next state")
            in_order(((s.id, s.sequence) for s in all_states(tape)), "states")


def shown(it: Stage, stretch: Stretch) -> dict[str, int]:
    """The state of each task up to `synced`; each change request is shown once."""
    found = [state for message in stretch.snapshot() for state in message.change_requests]
    by_task = {it.name(task.id): task.state for state in found for task in state.tasks}
    equal(len(found), len(by_task), "states before `synced`, which are to be one for each change request")
    return by_task


def states_of(stretch: Stretch) -> list[ChangeRequest]:
    return [it for message in stretch.messages for it in message.change_requests]


def all_states(tape: Tape) -> list[ChangeRequest]:
    return [it for stretch in tape.stretches for it in states_of(stretch)]


def last_states(it: Stage, tape: Tape) -> dict[str, int]:
    return {it.name(task.id): task.state for state in all_states(tape) for task in state.tasks}


def reached(tape: Tape, task_id: str, state: int) -> bool:
    return any((task.id, task.state) == (task_id, state) for it in all_states(tape) for task in it.tasks)


STORIES = tuple(over(story, interruption) for interruption in INTERRUPTIONS for story in (signals, status))
