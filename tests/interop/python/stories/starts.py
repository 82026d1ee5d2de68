"""Exactly one start: claims, lost answers, broken networks, failing commands."""

from __future__ import annotations

import asyncio

import grpc
from connection import Connection, Refusal
from countersign.v1.runner_service_pb2 import FinishTaskRequest, TaskSignal
from countersign.v1.task_pb2 import (
    SIGNAL_HOLD,
    SIGNAL_PROCEED,
    TASK_OUTCOME_FAILED,
    TASK_OUTCOME_SUCCEEDED,
    TASK_STATE_FAILED,
    TASK_STATE_RUNNING,
)
from expect import check, equal, refused, within
from relay import Relay
from runner import Ending, Runner
from world import RUNNER, Hearing, World, deployment, start

TAKEN = grpc.StatusCode.ALREADY_EXISTS, "CLAIM_TAKEN", "P3"


async def cleared(world: World, task_id: str) -> None:
    """A task that one approval has cleared."""
    await world.orchestrator.ask(deployment(task_id, "staging"))
    await world.approve(task_id, "alice")


async def second_claim(world: World) -> None:
    """a second claim gets ALREADY_EXISTS and does not run; the first one may repeat itself"""
    await cleared(world, "claim-1")
    runners = world.web_1.runners
    granted = (await runners.StartTask(start("claim-1", 1, "first"))).task
    equal((granted.state, granted.start.claim_id), (TASK_STATE_RUNNING, "first"), "the grant")
    await refused(runners.StartTask(start("claim-1", 1, "second")), *TAKEN, task="claim-1")
    again = (await runners.StartTask(start("claim-1", 1, "first"))).task
    equal(again.start.started_at, granted.start.started_at, "the start after a repeat")

    job = world.job("claim-1")
    late = await within(world.start_runner("claim-1", job, Hearing()), "a late runner")
    equal((late.ending, job.runs), (Ending.STARTED_ELSEWHERE, 0), "a late runner")

    finish = FinishTaskRequest(task_id="claim-1", claim_id="second", outcome=TASK_OUTCOME_SUCCEEDED)
    await refused(runners.FinishTask(finish), *TAKEN)
    finish.claim_id = "first"
    for _ in range(2):
        await runners.FinishTask(finish)
    finish.outcome = TASK_OUTCOME_FAILED
    await refused(runners.FinishTask(finish), grpc.StatusCode.FAILED_PRECONDITION, "OUTCOME_DIFFERS", "P6")


async def race(world: World) -> None:
    """of sixteen claims at once one is granted; of four runners at once one runs the command"""
    await cleared(world, "claim-2")

    async def claim(number: int) -> bool:
        try:
            await world.web_1.runners.StartTask(start("claim-2", 1, f"claim {number}"))
            return True
        except grpc.aio.AioRpcError as error:
            equal(Refusal.of(error).reason, "CLAIM_TAKEN", "why a claim lost")
            return False

    granted = await within(asyncio.gather(*map(claim, range(16))), "sixteen claims")
    equal(granted.count(True), 1, "granted claims")

    await world.orchestrator.ask(deployment("claim-3", "staging"))
    job = world.job("claim-3")
    runners = []
    for _ in range(4):
        hearing = Hearing()
        runners.append(world.start_runner("claim-3", job, hearing))
        await hearing.until(SIGNAL_HOLD)
    await world.approve("claim-3", "alice")
    results = await within(asyncio.gather(*runners), "four runners")
    equal([it.ending for it in results].count(Ending.RAN), 1, "runners that ran")
    equal(job.runs, 1, "runs")


async def broken_network(world: World) -> None:
    """a runner that lost its connection while people approved goes on where it was"""
    await world.orchestrator.ask(deployment("network-1", "staging"))
    job, hearing = world.job("network-1"), Hearing()
    async with Relay(world.address) as relay:
        far = Connection(relay.address, f"runner:{RUNNER}")
        running = world.start_runner("network-1", job, hearing, far)
        await hearing.until(SIGNAL_HOLD)
        relay.cut()
        await world.approve("network-1", "alice")
        equal(job.runs, 0, "runs while nothing could be heard")
        relay.mend()
        result = await within(running, "the command after the reconnection")
        equal((result.ending, job.runs), (Ending.RAN, 1), "the runner")
        check(relay.connections >= 2, "the runner never connected again")
        await far.close()


async def lost_answer(world: World) -> None:
    """a grant whose answer is lost is learned by the same claim, and the command runs once"""
    await world.orchestrator.ask(deployment("network-2", "staging"))
    job = world.job("network-2")
    async with Relay(world.address) as relay:

        class DeafAfterProceed(Hearing):
            """From PROCEED on the runner hears nothing: its claim goes out, the answer does not come in."""

            def __call__(self, signal: TaskSignal) -> None:
                if signal.signal == SIGNAL_PROCEED and not relay.swallows:
                    relay.swallow()
                super().__call__(signal)

        hearing = DeafAfterProceed()
        far = Connection(relay.address, f"runner:{RUNNER}")
        running = world.start_runner("network-2", job, hearing, far)
        await hearing.until(SIGNAL_HOLD)
        await world.approve("network-2", "alice")
        granted = await world.until("network-2", TASK_STATE_RUNNING)
        equal(job.runs, 0, "runs while the answer is not known")
        relay.cut()
        relay.mend()
        result = await within(running, "the command after the repeated claim")
        equal((result.ending, job.runs), (Ending.RAN, 1), "the runner")
        equal(result.task.start.claim_id, granted.start.claim_id, "the claim")
        await far.close()


async def failing_command(world: World) -> None:
    """a command that fails, or cannot be run, is reported as FAILED"""
    await cleared(world, "failing-1")
    job = world.job("failing-1", exit_code=3)
    result = await within(world.start_runner("failing-1", job, Hearing()), "the command")
    equal((result.exit_code, job.runs, result.task.state), (3, 1, TASK_STATE_FAILED), "the result")
    await cleared(world, "failing-2")
    result = await within(Runner(world.web_1).run("failing-2", ["no-such-command"]), "the report")
    equal((result.exit_code, result.task.state), (127, TASK_STATE_FAILED), "the result of no command")


STORIES = (second_claim, race, broken_network, lost_answer, failing_command)
