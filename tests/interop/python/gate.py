"""The orchestrator's side: asks for permission before a task, and follows what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from connection import Connection
from countersign.v1.change_request_pb2 import ChangeRequest
from countersign.v1.change_request_service_pb2 import (
    CreateChangeRequestRequest,
    CreateChangeRequestResponse,
    WatchStatusRequest,
)
from countersign.v1.task_pb2 import TaskSpec
from streams import follow


class Orchestrator:
    """Speaks for a deployment system. `log` takes the lines that people read in that system's own log."""

    def __init__(self, connection: Connection, log: Callable[[str], None] = print) -> None:
        self._gate = connection.change_requests
        self._log = log

    async def ask(self, task: TaskSpec) -> CreateChangeRequestResponse:
        """Asks for permission to run a task. Safe to repeat with the same task, whatever became of it."""
        answer = await self._gate.CreateChangeRequest(CreateChangeRequestRequest(task=task))
        self._log(answer.message)
        return answer

    async def preview(self, task: TaskSpec) -> CreateChangeRequestResponse:
        """What would happen if the task were asked for now. Changes nothing."""
        return await self._gate.CreateChangeRequest(CreateChangeRequestRequest(task=task, validate_only=True))

    async def wait_until_done(self, change_request: str) -> ChangeRequest:
        """Logs each new line until no task of the change request waits or runs; answers with its last state."""

        def watch(token: str):
            return self._gate.WatchStatus(
                WatchStatusRequest(change_requests=[change_request], resume_token=token, end_when_done=True)
            )

        latest, logged = ChangeRequest(), ""
        async with aclosing(follow(watch, until_ok=True)) as messages:
            async for message in messages:
                for latest in message.change_requests:
                    if latest.message != logged:
                        logged = latest.message
                        self._log(logged)
        return latest
