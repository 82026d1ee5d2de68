"""What the stories act with: callers, tasks, jobs that leave a trace, and runners that work beside the story."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from connection import Connection
from countersign.v1.change_request_pb2 import ChangeRequest
from countersign.v1.change_request_service_pb2 import (
    ApproveRequest,
    GetChangeRequestRequest,
    GetTaskRequest,
    WatchStatusRequest,
)
from countersign.v1.identity_pb2 import Creator, Person
from countersign.v1.log_service_pb2 import GetHeadRequest
from countersign.v1.runner_service_pb2 import StartTaskRequest, TaskSignal
from countersign.v1.task_pb2 import TASK_KIND_DEPLOYMENT, Task, TaskSpec, TaskWindow
from expect import within
from gate import Orchestrator
from google.protobuf.timestamp_pb2 import Timestamp
from harness import Harness
from job import Job
from runner import Result, Runner
from streams import follow

# Who triggers tasks in most stories; no policy makes them an approver.
CREATOR = "erin"

RUNNER = "web-1"


class Hearing:
    """The signals that a runner has heard."""

    def __init__(self) -> None:
        self.heard: list[TaskSignal] = []
        self._news = asyncio.Event()

    def __call__(self, signal: TaskSignal) -> None:
        self.heard.append(signal)
        self._news.set()

    async def until(self, signal: int) -> TaskSignal:
        """Waits for a signal; answers at once if it was heard before."""

        async def search() -> TaskSignal:
            while True:
                for told in self.heard:
                    if told.signal == signal:
                        return told
                self._news.clear()
                await self._news.wait()

        return await within(search(), f"signal {signal} to the runner")


class World:
    """One gate at one address, and everybody who calls it."""

    def __init__(self, address: str, harness: Harness, scratch: Path) -> None:
        self.address = address
        self.harness = harness
        self.lines: list[str] = []
        self._scratch = scratch
        self._connections: dict[str | None, Connection] = {}
        self._running: set[asyncio.Task] = set()
        self.ci = self.as_("orchestrator:ci")
        self.admin = self.as_("admin:root")
        self.auditor = self.as_("auditor:audit")
        self.web_1 = self.as_(f"runner:{RUNNER}")
        self.orchestrator = Orchestrator(self.ci, self.lines.append)

    def as_(self, bearer: str | None) -> Connection:
        """A caller; the bearer text says who, as a server with --insecure-dev has it. None: nobody."""
        if bearer not in self._connections:
            self._connections[bearer] = Connection(self.address, bearer)
        return self._connections[bearer]

    def job(self, task_id: str, exit_code: int = 0, waits: bool = False) -> Job:
        return Job(self._scratch / f"{task_id}.ran", exit_code, waits)

    def start_runner(
        self,
        task_id: str,
        job: Job,
        hearing: Callable[[TaskSignal], None],
        connection: Connection | None = None,
    ) -> asyncio.Task[Result]:
        """A runner that waits for its task while the story goes on."""
        runner = Runner(connection or self.web_1, hearing)
        running = asyncio.create_task(runner.run(task_id, job.command))
        self._running.add(running)
        return running

    async def approve(self, change_request: str, *people: str) -> ChangeRequest:
        """These people approve, one after the other."""
        for person in people:
            answer = await self.as_(person).change_requests.Approve(
                ApproveRequest(change_request=change_request, comment=f"{person} read it")
            )
        return answer.change_request

    async def change_request(self, name: str) -> ChangeRequest:
        request = GetChangeRequestRequest(change_request=name)
        return (await self.ci.change_requests.GetChangeRequest(request)).change_request

    async def task(self, task_id: str) -> Task:
        return (await self.ci.change_requests.GetTask(GetTaskRequest(task_id=task_id))).task

    async def until(self, task_id: str, state: int) -> Task:
        """Waits until a task is in a state."""

        def watch(token: str):
            request = WatchStatusRequest(change_requests=[task_id], resume_token=token)
            return self.ci.change_requests.WatchStatus(request)

        async def search() -> Task:
            async with aclosing(follow(watch)) as messages:
                async for message in messages:
                    for change_request in message.change_requests:
                        for task in change_request.tasks:
                            if task.id == task_id and task.state == state:
                                return task
            raise AssertionError("a status stream never ends by itself")

        return await within(search(), f"state {state} of task {task_id}")

    async def head(self) -> int:
        """How many entries the log has."""
        return (await self.auditor.log.GetHead(GetHeadRequest())).sequence

    async def start_again(self) -> None:
        """Starts the server that was killed, and waits until everybody's connection has found it."""
        await self.harness.start()
        for connection in self._connections.values():
            await within(connection.reconnected(), "a connection to the server that was started again")

    async def close(self) -> None:
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for connection in self._connections.values():
            await connection.close()


def person(subject: str) -> Person:
    """The issuer may be left out: the server knows the one that it accepts people from."""
    return Person(subject=subject)


def deployment(task_id: str, environment: str = "production", **more: object) -> TaskSpec:
    """A deployment of project `web`; whatever `more` names is set or replaced."""
    fields = {
        "id": task_id,
        "kind": TASK_KIND_DEPLOYMENT,
        "project": "web",
        "environment": environment,
        "release": "1.4.2",
        "runner": RUNNER,
        "title": f"Deploy web 1.4.2 to {environment}",
        "creator": Creator(person=person(CREATOR)),
    }
    return TaskSpec(**(fields | more))


def start(task_id: str, generation: int, claim_id: str) -> StartTaskRequest:
    return StartTaskRequest(task_id=task_id, generation=generation, claim_id=claim_id)


def window(opens_in: float | None = None, closes_in: float | None = None) -> TaskWindow:
    """A window by seconds from now."""
    return TaskWindow(start=_in(opens_in), end=_in(closes_in))


def _in(seconds: float | None) -> Timestamp | None:
    if seconds is None:
        return None
    instant = Timestamp()
    instant.FromMicroseconds(int((time.time() + seconds) * 1_000_000))
    return instant
