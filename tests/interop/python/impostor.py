"""A gate that says what a gate never would, or what only a newer one might."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import grpc
from countersign.v1 import runner_service_pb2_grpc
from countersign.v1.runner_service_pb2 import (
    FinishTaskResponse,
    StartTaskRequest,
    StartTaskResponse,
    TaskSignal,
    WatchSignalsResponse,
)
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status


def refuse(code: grpc.StatusCode, reason: str = "") -> Status:
    """A refusal; without a reason it is one that no gate gives, but a proxy might."""
    status = Status(code=code.value[0], message="says the impostor")
    if reason:
        detail = Any()
        detail.Pack(ErrorInfo(reason=reason, domain="countersign.dev"))
        status.details.append(detail)
    return status


Answer = Callable[[StartTaskRequest], StartTaskResponse | Status]


class Impostor(runner_service_pb2_grpc.RunnerServiceServicer):
    """Sends these signals on every stream, and gives these answers to claims; the last one again and again."""

    def __init__(self, signals: Sequence[TaskSignal], answers: Sequence[Answer] = ()) -> None:
        self._signals = signals
        self._answers = answers
        self.claims: list[StartTaskRequest] = []

    async def __aenter__(self) -> Impostor:
        self._server = grpc.aio.server()
        runner_service_pb2_grpc.add_RunnerServiceServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(None)

    async def WatchSignals(self, request, context):
        for signal in self._signals:
            yield WatchSignalsResponse(signals=[signal])
        # A stream of signals never ends by itself.
        await asyncio.Event().wait()

    async def StartTask(self, request, context):
        self.claims.append(request)
        answer = self._answers[min(len(self.claims), len(self._answers)) - 1](request)
        if isinstance(answer, Status):
            await context.abort_with_status(rpc_status.to_status(answer))
        return answer

    async def FinishTask(self, request, context):
        return FinishTaskResponse()
