"""Tasks that only one story touches, with streams about them that run through a relay."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from connection import Connection
from countersign.v1.change_request_service_pb2 import RejectRequest, WatchStatusRequest
from countersign.v1.policy_pb2 import Approvers, Policy, Scope, ScopeSide
from countersign.v1.policy_service_pb2 import CreatePolicyRequest
from countersign.v1.runner_service_pb2 import FinishTaskRequest, WatchSignalsRequest
from countersign.v1.task_pb2 import TASK_OUTCOME_SUCCEEDED
from relay import Relay
from tape import Tape
from world import World, deployment, person, start


class Stage:
    """One environment and one runner, both of this name. Streams go through the relay, everybody else does not."""

    def __init__(self, world: World, relay: Relay, name: str) -> None:
        self.world = world
        self.environment = self.runner = name
        self.ci = Connection(relay.address, "orchestrator:ci")
        self.web = Connection(relay.address, f"runner:{name}")
        self.tapes: list[Tape] = []

    async def set_up(self) -> None:
        scope = Scope(projects=ScopeSide(ids=["web"]), environments=ScopeSide(ids=[self.environment]))
        approvers = Approvers(users=[person("alice")])
        policy = Policy(id=self.environment, scopes=[scope], approvers=approvers, minimum_approvals=1)
        await self.world.admin.policies.CreatePolicy(CreatePolicyRequest(policy=policy))

    def task_id(self, name: str) -> str:
        return f"{self.environment}-{name}"

    async def ask(self, *names: str) -> None:
        for name in names:
            await self.world.orchestrator.ask(deployment(self.task_id(name), self.environment, runner=self.runner))

    async def approve(self, name: str) -> None:
        await self.world.approve(self.task_id(name), "alice")

    async def reject(self, name: str) -> None:
        request = RejectRequest(change_request=self.task_id(name), comment="Not today")
        await self.world.as_("alice").change_requests.Reject(request)

    async def start(self, name: str) -> None:
        await self.world.as_(f"runner:{self.runner}").runners.StartTask(start(self.task_id(name), 1, "only"))

    async def finish(self, name: str) -> None:
        request = FinishTaskRequest(task_id=self.task_id(name), claim_id="only", outcome=TASK_OUTCOME_SUCCEEDED)
        await self.world.as_(f"runner:{self.runner}").runners.FinishTask(request)

    def signals(self, *names: str) -> Tape:
        """The signals of these tasks, or of all of the runner."""
        ids = [self.task_id(it) for it in names]

        def watch(token: str):
            return self.web.runners.WatchSignals(WatchSignalsRequest(task_ids=ids, resume_token=token))

        return self._tape(Tape(watch))

    def status(self, *names: str, end_when_done: bool = False) -> Tape:
        """The change requests of these tasks, or all of the environment."""
        ids = [self.task_id(it) for it in names]
        which = {"change_requests": ids} if ids else {"project": "web", "environment": self.environment}

        def watch(token: str):
            request = WatchStatusRequest(**which, resume_token=token, end_when_done=end_when_done)
            return self.ci.change_requests.WatchStatus(request)

        return self._tape(Tape(watch, until_ok=end_when_done))

    def _tape(self, tape: Tape) -> Tape:
        self.tapes.append(tape)
        return tape

    async def close(self) -> None:
        for tape in self.tapes:
            await tape.stop()
        await self.ci.close()
        await self.web.close()

    def name(self, task_id: str) -> str:
        """What the story calls the task of this id."""
        return task_id.removeprefix(f"{self.environment}-")


@contextlib.asynccontextmanager
async def stage(world: World, name: str) -> AsyncIterator[tuple[Stage, Relay]]:
    async with Relay(world.address) as relay:
        stage = Stage(world, relay, name)
        await stage.set_up()
        try:
            yield stage, relay
        finally:
            await stage.close()
