"""The server is killed and started again: what it had granted stands, and nothing starts while it is away."""

from __future__ import annotations

import asyncio

from connection import Connection
from countersign.v1.runner_service_pb2 import FinishTaskRequest, TaskSignal
from countersign.v1.task_pb2 import (
    SIGNAL_HOLD,
    SIGNAL_PROCEED,
    TASK_OUTCOME_SUCCEEDED,
    TASK_STATE_RUNNING,
    TASK_STATE_SUCCEEDED,
)
from expect import check, equal, eventually, refused, within
from relay import Relay
from runner import Ending
from stories.starts import TAKEN, cleared
from world import RUNNER, Hearing, World, deployment, start


async def claimed_before(world: World) -> None:
    """a start granted before the restart is granted to the same claim after it, and to no other"""
    await cleared(world, "restart-1")
    await cleared(world, "restart-2")
    runners = world.web_1.runners
    before = await runners.StartTask(start("restart-1", 1, "first"))
    await world.harness.kill()
    await world.start_again()
    equal(await runners.StartTask(start("restart-1", 1, "first")), before, "the answer to the same claim")
    await refused(runners.StartTask(start("restart-1", 1, "second")), *TAKEN, task="restart-1")
    finish = FinishTaskRequest(task_id="restart-1", claim_id="second", outcome=TASK_OUTCOME_SUCCEEDED)
    await refused(runners.FinishTask(finish), *TAKEN)
    equal((await world.task("restart-1")).start, before.task.start, "the start that is kept")

    # A permit outlives the server that issued it.
    granted = await runners.StartTask(start("restart-2", 1, "first"))
    equal(granted.task.state, TASK_STATE_RUNNING, "a task cleared before the restart")


async def waited_through(world: World) -> None:
    """a runner that waits hears HOLD again after the restart, and runs once it is cleared"""
    await world.orchestrator.ask(deployment("restart-3", "staging"))
    job, hearing = world.job("restart-3"), Hearing()
    running = world.start_runner("restart-3", job, hearing)
    await hearing.until(SIGNAL_HOLD)
    await world.harness.kill()
    await world.start_again()
    await eventually(lambda: len(hearing.heard) > 1, "HOLD for the second time")
    equal({it.signal for it in hearing.heard}, {SIGNAL_HOLD}, "signals before the approval")
    equal(job.runs, 0, "runs before the approval")
    await world.approve("restart-3", "alice")
    result = await within(running, "the command after the restart")
    equal((result.ending, job.runs), (Ending.RAN, 1), "the runner")


async def killed_before_the_answer(world: World) -> None:
    """a grant whose answer died with the server is learned by the same claim, and the command runs once"""
    await world.orchestrator.ask(deployment("restart-4", "staging"))
    job = world.job("restart-4")
    async with Relay(world.address) as relay:

        def deaf_from_proceed(signal: TaskSignal) -> None:
            """From PROCEED on the runner hears nothing: its claim goes out, the answer does not come in."""
            hearing(signal)
            if signal.signal == SIGNAL_PROCEED and not relay.swallows:
                relay.swallow()

        hearing = Hearing()
        far = Connection(relay.address, f"runner:{RUNNER}")
        running = world.start_runner("restart-4", job, deaf_from_proceed, far)
        await hearing.until(SIGNAL_HOLD)
        await world.approve("restart-4", "alice")
        granted = await world.until("restart-4", TASK_STATE_RUNNING)
        relay.close()
        await world.harness.kill()
        equal(job.runs, 0, "runs while the answer is not known")
        await world.start_again()
        relay.mend()
        result = await within(running, "the command after the repeated claim")
        equal((result.ending, job.runs), (Ending.RAN, 1), "the runner")
        equal(result.task.start.claim_id, granted.start.claim_id, "the claim")
        await far.close()


async def ran_through(world: World) -> None:
    """a command that ended while the server was away is reported once it is back"""
    await cleared(world, "restart-5")
    job = world.job("restart-5", waits=True)
    running = world.start_runner("restart-5", job, Hearing())
    await eventually(lambda: job.runs == 1, "the start of the command")
    await world.harness.kill()
    await asyncio.to_thread(job.go_on)
    await eventually(lambda: job.ended, "the end of the command")
    check(not running.done(), "an outcome was reported to nobody")
    await world.start_again()
    result = await within(running, "the report")
    equal((result.task.state, job.runs), (TASK_STATE_SUCCEEDED, 1), "the task")


STORIES = (claimed_before, waited_through, killed_before_the_answer, ran_through)
