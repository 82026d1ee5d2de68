"""Bad input: refused with a reason that an operator can act on, and without an entry in the log."""

from __future__ import annotations

import grpc
from countersign.v1.change_request_service_pb2 import (
    ApproveRequest,
    CreateChangeRequestRequest,
    GetTaskRequest,
    WatchStatusRequest,
)
from countersign.v1.runner_service_pb2 import StartTaskRequest, WatchSignalsRequest
from countersign.v1.task_pb2 import Link
from expect import bad_field, equal, refused
from world import World, deployment

INVALID = grpc.StatusCode.INVALID_ARGUMENT


async def bad_tasks(world: World) -> None:
    """a bad field is named: empty, too long, unknown, with control characters"""
    head = await world.head()
    for field, task in (
        ("task.id", deployment("")),
        ("task.id", deployment("CR-7")),
        ("task.kind", deployment("bad", kind=99)),
        ("task.project", deployment("bad", project="")),
        ("task.environment", deployment("bad", environment="e" * 201)),
        ("task.title", deployment("bad", title="two\nlines")),
        ("task.project_tags[1]", deployment("bad", project_tags=["tier/critical", "no-set"])),
        ("task.links[0].url", deployment("bad", links=[Link(title="Build", url="javascript:alert(1)")])),
    ):
        call = world.ci.change_requests.CreateChangeRequest(CreateChangeRequestRequest(task=task))
        await bad_field(call, field)
    await bad_field(world.ci.change_requests.CreateChangeRequest(CreateChangeRequestRequest()), "task")
    long = ApproveRequest(change_request="deploy-3", comment="c" * 4_097)
    await bad_field(world.as_("bob").change_requests.Approve(long), "comment")
    await bad_field(world.web_1.runners.StartTask(StartTaskRequest(task_id="deploy-3", generation=1)), "claim_id")
    equal(await world.head(), head, "the log after refusals")


async def unknown_ids(world: World) -> None:
    """what does not exist is NOT_FOUND, on streams too"""
    missing = grpc.StatusCode.NOT_FOUND, "NOT_FOUND", "E1"
    calls = world.ci.change_requests
    await refused(calls.GetTask(GetTaskRequest(task_id="no-such")), *missing, kind="task", id="no-such")
    request = ApproveRequest(change_request="CR-999999")
    await refused(world.as_("alice").change_requests.Approve(request), *missing, id="CR-999999")
    stream = world.web_1.runners.WatchSignals(WatchSignalsRequest(task_ids=["no-such"]))
    await refused(stream.read(), *missing, kind="task", id="no-such")


async def bad_streams(world: World) -> None:
    """a stream of everything, or from a made-up position, is refused"""
    calls = world.ci.change_requests
    unbounded = calls.WatchStatus(WatchStatusRequest())
    await refused(unbounded.read(), INVALID, "INVALID_FIELD")
    made_up = calls.WatchStatus(WatchStatusRequest(project="web", resume_token="made up"))
    await refused(made_up.read(), INVALID, "RESUME_TOKEN_MALFORMED")


STORIES = (bad_tasks, unknown_ids, bad_streams)
