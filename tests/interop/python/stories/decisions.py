"""People decide: blocked, approved, rejected, revoked, withdrawn."""

from __future__ import annotations

import asyncio

import grpc
from countersign.v1.change_request_pb2 import (
    CHANGE_REQUEST_STATE_APPROVED,
    CHANGE_REQUEST_STATE_PENDING,
    CHANGE_REQUEST_STATE_REJECTED,
    CHANGE_REQUEST_STATE_WITHDRAWN,
)
from countersign.v1.change_request_service_pb2 import (
    ApproveRequest,
    CreateChangeRequestRequest,
    RejectRequest,
    RevokeApprovalRequest,
    WithdrawTaskRequest,
)
from countersign.v1.identity_pb2 import Creator
from countersign.v1.task_pb2 import (
    BLOCKER_KIND_APPROVAL,
    SIGNAL_HOLD,
    SIGNAL_PROCEED,
    TASK_STATE_CLEARED,
    TASK_STATE_PAUSED,
    TASK_STATE_SUCCEEDED,
    TASK_STATE_TERMINATED,
    TERMINATION_REASON_REJECTED,
    TERMINATION_REASON_WITHDRAWN,
)
from expect import equal, refused, within
from runner import Ending
from world import Hearing, World, deployment, person, start

DENIED = grpc.StatusCode.PERMISSION_DENIED
FORBIDDEN_NOW = grpc.StatusCode.FAILED_PRECONDITION


async def blocked(world: World) -> None:
    """a task is blocked, and says by what and for whom it waits"""
    answer = await world.orchestrator.ask(deployment("deploy-1"))
    said = f"Deployment blocked by change request {answer.change_request.id}: requires approval from 2 approvers"
    equal(world.lines[-1], said, "the line for the orchestrator's log")
    equal(answer.change_request.state, CHANGE_REQUEST_STATE_PENDING, "the change request")
    equal((answer.task.state, answer.task.signal), (TASK_STATE_PAUSED, SIGNAL_HOLD), "the task")
    (blocker,) = answer.task.blockers
    equal(blocker.kind, BLOCKER_KIND_APPROVAL, "the blocker")
    equal(blocker.approval.missing, 2, "missing approvals")
    equal([it.subject for it in blocker.approval.people], ["alice"], "people who could approve")
    equal(list(blocker.approval.teams), ["release-managers"], "teams that could approve")
    held = world.web_1.runners.StartTask(start("deploy-1", 1, "too early"))
    await refused(held, FORBIDDEN_NOW, "START_NOT_NOW", "P4", found="HELD", waiting_for="approval")


async def asked_again(world: World) -> None:
    """the same task again has one effect; another task under its id is refused"""
    before, head = await world.change_request("deploy-1"), await world.head()
    again = await world.orchestrator.ask(deployment("deploy-1"))
    equal(again.change_request.id, before.id, "the change request of a repeat")
    equal(await world.head(), head, "the log after a repeat")
    other = CreateChangeRequestRequest(task=deployment("deploy-1", release="1.4.3"))
    call = world.ci.change_requests.CreateChangeRequest(other)
    await refused(call, grpc.StatusCode.ALREADY_EXISTS, "TASK_ID_TAKEN", "C2", task="deploy-1")


async def not_everybody(world: World) -> None:
    """strangers and services do not decide"""
    change_request = (await world.change_request("deploy-1")).id
    request = ApproveRequest(change_request=change_request)
    for stranger in ("mallory", "Alice", "release-managers"):
        call = world.as_(stranger).change_requests.Approve(request)
        await refused(call, DENIED, "NOT_AN_APPROVER", "D1", change_request=change_request)
    for service in (world.ci, world.web_1):
        await refused(service.change_requests.Approve(request), DENIED, "CANNOT_DECIDE", "D1")


async def creator_blocked(world: World) -> None:
    """the creator does not approve, also not through a team"""
    task = deployment("deploy-own", creator=Creator(person=person("carol"), display_name="Carol"))
    change_request = (await world.orchestrator.ask(task)).change_request
    call = world.as_("carol").change_requests.Approve(ApproveRequest(change_request="deploy-own"))
    await refused(call, DENIED, "CREATOR_BLOCKED", "D1", change_request=change_request.id)
    approved = await world.approve(change_request.id, "alice", "bob")
    equal(approved.state, CHANGE_REQUEST_STATE_APPROVED, "the change request after two others approved")

    nobody = deployment("deploy-nobodys")
    nobody.ClearField("creator")
    call = world.ci.change_requests.CreateChangeRequest(CreateChangeRequestRequest(task=nobody))
    await refused(call, grpc.StatusCode.INVALID_ARGUMENT, "CREATOR_REQUIRED", "C3")


async def approved(world: World) -> None:
    """two people approve: PROCEED, and the command runs exactly once"""
    job, hearing = world.job("deploy-1"), Hearing()
    running = world.start_runner("deploy-1", job, hearing)
    watching = asyncio.create_task(world.orchestrator.wait_until_done("deploy-1"))
    await hearing.until(SIGNAL_HOLD)

    first = await world.approve("deploy-1", "alice")
    equal((first.approvals_counted, first.approvals_missing), (1, 1), "counted and missing")
    said = f"Deployment blocked by change request {first.id}: requires approval from 1 approver"
    equal(first.message, said, "the line after the first approval")
    again = await world.approve("deploy-1", "alice")
    equal(again.approvals_counted, 1, "approvals after one person approved twice")
    equal(job.runs, 0, "runs before the second approval")

    second = await world.approve("deploy-1", "bob")
    equal(second.state, CHANGE_REQUEST_STATE_APPROVED, "the change request")
    through = {it.person.subject: (it.eligible_directly, list(it.eligible_through)) for it in second.decisions}
    equal(through, {"alice": (True, []), "bob": (False, ["release-managers"])}, "how they were eligible")

    result = await within(running, "the command")
    equal((result.ending, result.exit_code), (Ending.RAN, 0), "the runner's result")
    equal(result.task.state, TASK_STATE_SUCCEEDED, "the task")
    equal(job.runs, 1, "runs")
    last = await within(watching, "the end of the status stream, which was to end with its tasks")
    equal(last.tasks[0].state, TASK_STATE_SUCCEEDED, "the last state on the status stream")
    equal(world.lines[-1], last.message, "the last line in the orchestrator's log")


async def rejected(world: World) -> None:
    """one rejection ends it: TERMINATE, and the command never runs"""
    change_request = (await world.orchestrator.ask(deployment("deploy-2"))).change_request
    job, hearing = world.job("deploy-2"), Hearing()
    running = world.start_runner("deploy-2", job, hearing)
    await hearing.until(SIGNAL_HOLD)
    await world.approve(change_request.id, "alice")
    reject = RejectRequest(change_request=change_request.id, comment="Not on a Friday")
    answer = await world.as_("bob").change_requests.Reject(reject)
    equal(answer.change_request.state, CHANGE_REQUEST_STATE_REJECTED, "the change request")
    equal(list(answer.terminated_task_ids), ["deploy-2"], "what the rejection stopped")

    result = await within(running, "TERMINATE")
    equal(result.ending, Ending.TERMINATED, "the runner's result")
    equal(hearing.heard[-1].termination_reason, TERMINATION_REASON_REJECTED, "why")
    ended = world.as_("carol").change_requests.Approve(ApproveRequest(change_request=change_request.id))
    await refused(ended, FORBIDDEN_NOW, "CHANGE_REQUEST_ENDED", "D5", found="REJECTED")
    never = world.web_1.runners.StartTask(start("deploy-2", 1, "too late"))
    await refused(never, FORBIDDEN_NOW, "START_NEVER", "P4", task="deploy-2")
    equal((await world.orchestrator.ask(deployment("deploy-2"))).task.state, TASK_STATE_TERMINATED, "asked again")
    equal(job.runs, 0, "runs")


async def read_before(world: World) -> None:
    """who names the etag or the digest they saw decides on exactly that"""
    task = deployment("deploy-3", artifact_digest="sha256:0f1e")
    change_request = (await world.orchestrator.ask(task)).change_request
    approve = world.as_("alice").change_requests.Approve
    call = approve(ApproveRequest(change_request="deploy-3", etag="what somebody else saw"))
    await refused(call, grpc.StatusCode.ABORTED, "ETAG_MISMATCH", "D11", found=change_request.etag)
    call = approve(ApproveRequest(change_request="deploy-3", artifact_digest="sha256:ffff"))
    await refused(call, grpc.StatusCode.ABORTED, "DIGEST_MISMATCH", "D11")
    seen = ApproveRequest(change_request="deploy-3", etag=change_request.etag, artifact_digest="sha256:0f1e")
    answer = await approve(seen)
    equal(answer.change_request.etag, change_request.etag, "the etag after an approval")
    equal(answer.change_request.decisions[0].artifact_digest, "sha256:0f1e", "the digest kept with it")


async def revoked(world: World) -> None:
    """an approval taken back holds a cleared task again; its old permit is then refused"""
    await world.orchestrator.ask(deployment("deploy-4"))
    hearing = Hearing()
    await world.approve("deploy-4", "alice", "bob")
    revoke = RevokeApprovalRequest(change_request="deploy-4", comment="I read the wrong page")
    answer = await world.as_("bob").change_requests.RevokeApproval(revoke)
    equal(answer.change_request.state, CHANGE_REQUEST_STATE_PENDING, "the change request")
    held = world.web_1.runners.StartTask(start("deploy-4", 1, "stale"))
    await refused(held, FORBIDDEN_NOW, "START_NOT_NOW", "P4", found="HELD", waiting_for="approval")

    await world.approve("deploy-4", "carol")
    task = await world.task("deploy-4")
    equal((task.state, task.permit.generation), (TASK_STATE_CLEARED, 2), "state and generation")
    stale = world.web_1.runners.StartTask(start("deploy-4", 1, "stale"))
    facts = {"found": "STALE_GENERATION", "named_generation": "1", "generation": "2"}
    await refused(stale, FORBIDDEN_NOW, "START_NOT_NOW", "P4", **facts)

    job = world.job("deploy-4")
    result = await within(world.start_runner("deploy-4", job, hearing), "the command")
    equal((result.ending, job.runs), (Ending.RAN, 1), "a runner with the newest permit")
    equal((await hearing.until(SIGNAL_PROCEED)).permit.generation, 2, "the permit it heard")


async def withdrawn(world: World) -> None:
    """a task that is no longer wanted is withdrawn"""
    await world.orchestrator.ask(deployment("deploy-5"))
    request = WithdrawTaskRequest(task_id="deploy-5", comment="Superseded")
    for _ in range(2):
        task = (await world.ci.change_requests.WithdrawTask(request)).task
        equal(task.termination_reason, TERMINATION_REASON_WITHDRAWN, "why it ended")
    found = await world.change_request("deploy-5")
    equal(found.state, CHANGE_REQUEST_STATE_WITHDRAWN, "the change request")
    request = WithdrawTaskRequest(task_id="deploy-1")
    call = world.ci.change_requests.WithdrawTask(request)
    await refused(call, FORBIDDEN_NOW, "NOT_WITHDRAWABLE", "P7", task="deploy-1")


STORIES = (
    blocked,
    asked_again,
    not_everybody,
    creator_blocked,
    approved,
    rejected,
    read_before,
    revoked,
    withdrawn,
)
