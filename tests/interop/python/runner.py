"""The runner's side: waits for a signal, claims the start, and runs a command only if the start is granted.

PROCEED is not a start. The one thing that is: an OK of StartTask for one's own claim. Whatever else comes, be it an
error, a time-out, a lost connection or a value that this program does not know, means "do not start".
"""

from __future__ import annotations

import asyncio
import enum
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import grpc
from connection import Connection, Refusal
from countersign.v1.runner_service_pb2 import (
    FinishTaskRequest,
    StartTaskRequest,
    TaskSignal,
    WatchSignalsRequest,
)
from countersign.v1.task_pb2 import (
    SIGNAL_PROCEED,
    SIGNAL_TERMINATE,
    TASK_OUTCOME_FAILED,
    TASK_OUTCOME_SUCCEEDED,
    TASK_STATE_FAILED,
    TASK_STATE_RUNNING,
    TASK_STATE_SUCCEEDED,
    Task,
)
from streams import follow

# How long to wait before a call without a known outcome is repeated.
PAUSE_SECONDS = 0.5

STARTED = frozenset({TASK_STATE_RUNNING, TASK_STATE_SUCCEEDED, TASK_STATE_FAILED})


class Ending(enum.Enum):
    """What became of the attempt to run a task."""

    RAN = "the start was granted, and the command ran here"
    TERMINATED = "it will never start"
    STARTED_ELSEWHERE = "the start was granted to another claim"


class NotUnderstood(Exception):
    """The gate said what this program does not know; so nothing is started."""


@dataclass(frozen=True)
class Result:
    """How an attempt ended; the task is set if it ran here."""

    ending: Ending
    exit_code: int | None = None
    task: Task | None = None


class Runner:
    """Executes tasks. `heard` is told every signal that arrives."""

    def __init__(self, connection: Connection, heard: Callable[[TaskSignal], None] = lambda _: None) -> None:
        self._gate = connection.runners
        self._heard = heard

    async def run(self, task_id: str, command: Sequence[str], artifact_digest: str = "") -> Result:
        """Waits until the task may start, and runs the command if this attempt is the one that may start it.

        `artifact_digest` is of what the command would run, as found here; never what the signal says it should be.
        """
        claim_id = str(uuid.uuid4())
        ending = await self._claim_when_cleared(task_id, claim_id, artifact_digest)
        if ending is not Ending.RAN:
            return Result(ending)
        exit_code = await execute(command)
        task = await self._finish(task_id, claim_id, exit_code)
        return Result(ending, exit_code, task)

    async def signals(self, task_ids: Sequence[str] = ()) -> AsyncIterator[TaskSignal]:
        """The signals of these tasks, or of all that name this runner; current ones first, then newer ones."""

        def watch(token: str):
            return self._gate.WatchSignals(WatchSignalsRequest(task_ids=task_ids, resume_token=token))

        async with aclosing(follow(watch)) as messages:
            async for message in messages:
                for signal in message.signals:
                    self._heard(signal)
                    yield signal

    async def _claim_when_cleared(self, task_id: str, claim_id: str, artifact_digest: str) -> Ending:
        async with aclosing(self.signals([task_id])) as signals:
            async for told in signals:
                if told.signal == SIGNAL_PROCEED:
                    ending = await self._claim(
                        StartTaskRequest(
                            task_id=task_id,
                            generation=told.permit.generation,
                            artifact_digest=artifact_digest,
                            claim_id=claim_id,
                        )
                    )
                    if ending is not None:
                        return ending
                elif told.signal == SIGNAL_TERMINATE:
                    return Ending.TERMINATED
                elif told.state in STARTED:
                    return Ending.STARTED_ELSEWHERE
                # HOLD, and any signal that only a newer server knows: wait for the next one.
        raise AssertionError("signals never end")

    async def _claim(self, request: StartTaskRequest) -> Ending | None:
        """Claims the start. None: not now, wait for the next signal."""
        while True:
            try:
                granted = (await self._gate.StartTask(request)).task
            except grpc.aio.AioRpcError as error:
                refusal = Refusal.of(error)
                if refusal.reason == "START_NOT_NOW":
                    return None
                if refusal.reason == "START_NEVER":
                    return Ending.TERMINATED
                if refusal.reason == "CLAIM_TAKEN":
                    return Ending.STARTED_ELSEWHERE
                if not refusal.is_transient:
                    raise
            else:
                if (granted.id, granted.state, granted.start.claim_id) != (
                    request.task_id,
                    TASK_STATE_RUNNING,
                    request.claim_id,
                ):
                    raise NotUnderstood(f"an OK that grants something else: {granted}")
                return Ending.RAN
            # The start may have been granted and the answer lost; the same claim again tells.
            await asyncio.sleep(PAUSE_SECONDS)

    async def _finish(self, task_id: str, claim_id: str, exit_code: int) -> Task:
        """Reports the outcome until the gate has it: nobody else will, and the task stays RUNNING until then."""
        request = FinishTaskRequest(
            task_id=task_id,
            claim_id=claim_id,
            outcome=TASK_OUTCOME_SUCCEEDED if exit_code == 0 else TASK_OUTCOME_FAILED,
            comment=f"exit code {exit_code}",
        )
        while True:
            try:
                return (await self._gate.FinishTask(request)).task
            except grpc.aio.AioRpcError as error:
                if not Refusal.of(error).is_transient:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)


async def execute(command: Sequence[str]) -> int:
    """Runs a command to its end; 127, as in a shell, if there is no such command."""
    try:
        process = await asyncio.create_subprocess_exec(*command)
    except OSError:
        return 127
    return await process.wait()
