"""Time: a window that opens, one that closes, and those that are refused."""

from __future__ import annotations

import grpc
from countersign.v1.change_request_pb2 import (
    CHANGE_REQUEST_STATE_APPROVED,
    CHANGE_REQUEST_STATE_EXPIRED,
    EXPIRY_CAUSE_WINDOW_CLOSED,
)
from countersign.v1.change_request_service_pb2 import ApproveRequest, CreateChangeRequestRequest
from countersign.v1.task_pb2 import (
    BLOCKER_KIND_WINDOW,
    SIGNAL_HOLD,
    TASK_STATE_CLEARED,
    TASK_STATE_PAUSED,
    TASK_STATE_TERMINATED,
    TERMINATION_REASON_WINDOW_CLOSED,
)
from expect import bad_field, check, equal, refused, within
from runner import Ending
from world import Hearing, World, deployment, start, window

FORBIDDEN_NOW = grpc.StatusCode.FAILED_PRECONDITION


async def opens(world: World) -> None:
    """a window opens: what was approved before waits for it, then runs"""
    task = deployment("window-1", "staging", window=window(opens_in=2.5))
    await world.orchestrator.ask(task)
    change_request = await world.approve("window-1", "alice")
    equal(change_request.state, CHANGE_REQUEST_STATE_APPROVED, "the change request")
    (waiting,) = change_request.tasks
    equal(waiting.state, TASK_STATE_PAUSED, "the task before its window")
    equal([it.kind for it in waiting.blockers], [BLOCKER_KIND_WINDOW], "its blockers")
    equal(waiting.blockers[0].window.opens_at, task.window.start, "when it opens")
    call = world.web_1.runners.StartTask(start("window-1", 1, "too early"))
    await refused(call, FORBIDDEN_NOW, "START_NOT_NOW", "P4", found="HELD", waiting_for="window")

    job, hearing = world.job("window-1"), Hearing()
    running = world.start_runner("window-1", job, hearing)
    await hearing.until(SIGNAL_HOLD)
    result = await within(running, "the command once the window is open")
    equal((result.ending, job.runs), (Ending.RAN, 1), "the runner")
    started = result.task.start.started_at
    check(started.ToMicroseconds() >= task.window.start.ToMicroseconds(), "started before the window")


async def closes(world: World) -> None:
    """a window closes: what waits and what is cleared will never start"""
    closing = window(closes_in=3)
    await world.orchestrator.ask(deployment("window-2", window=closing))
    await world.orchestrator.ask(deployment("window-3", "staging", window=closing))
    await world.approve("window-3", "alice")
    cleared = await world.task("window-3")
    equal(cleared.state, TASK_STATE_CLEARED, "the approved task inside its window")
    equal(cleared.permit.valid_until, closing.end, "the end of its permit")

    job, hearing = world.job("window-2"), Hearing()
    result = await within(world.start_runner("window-2", job, hearing), "TERMINATE at the end of the window")
    equal((result.ending, job.runs), (Ending.TERMINATED, 0), "the runner of the pending one")
    equal(hearing.heard[-1].termination_reason, TERMINATION_REASON_WINDOW_CLOSED, "why")
    expired = await world.change_request("window-2")
    found = (expired.state, expired.expiry_cause)
    equal(found, (CHANGE_REQUEST_STATE_EXPIRED, EXPIRY_CAUSE_WINDOW_CLOSED), "the pending change request")
    call = world.as_("alice").change_requests.Approve(ApproveRequest(change_request=expired.id))
    await refused(call, FORBIDDEN_NOW, "CHANGE_REQUEST_ENDED", found="EXPIRED")

    ended = await world.until("window-3", TASK_STATE_TERMINATED)
    equal(ended.termination_reason, TERMINATION_REASON_WINDOW_CLOSED, "why the cleared one ended")
    equal((await world.change_request("window-3")).state, CHANGE_REQUEST_STATE_APPROVED, "its change request")
    call = world.web_1.runners.StartTask(start("window-3", cleared.permit.generation, "too late"))
    await refused(call, FORBIDDEN_NOW, "START_NEVER", "P4", found="TERMINATED")


async def impossible(world: World) -> None:
    """a window that is past or inverted is refused"""

    def ask(bad):
        request = CreateChangeRequestRequest(task=deployment("window-4", "staging", window=bad))
        return world.ci.change_requests.CreateChangeRequest(request)

    past = ask(window(opens_in=-60, closes_in=-30))
    await refused(past, grpc.StatusCode.INVALID_ARGUMENT, "WINDOW_PAST", "W1", field="task.window.end")
    await bad_field(ask(window(opens_in=60, closes_in=30)), "task.window.end", "W1")


STORIES = (opens, closes, impossible)
