"""Positions of another store: refused on every stream, and a client begins anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

import grpc
from connection import Connection
from countersign.v1.change_request_service_pb2 import CreateChangeRequestRequest, WatchStatusRequest
from countersign.v1.log_service_pb2 import WatchLogRequest
from countersign.v1.runner_service_pb2 import WatchSignalsRequest
from countersign.v1.stream_pb2 import MARK_KIND_SYNCED, Mark
from expect import check, equal, refused, within
from streams import follow
from world import RUNNER, World, deployment

ANOTHER = grpc.StatusCode.INVALID_ARGUMENT, "RESUME_TOKEN_OF_ANOTHER_STORE"


class Streams:
    """Every kind of stream of one gate, each opened with a token."""

    def __init__(self, address: str) -> None:
        self.ci = Connection(address, "orchestrator:ci")
        self.web_1 = Connection(address, f"runner:{RUNNER}")
        self.auditor = Connection(address, "auditor:audit")

    def all(self) -> dict[str, Callable[[str], grpc.aio.UnaryStreamCall]]:
        return {"status": self._status, "signals": self._signals, "log": self._log}

    def _status(self, token: str) -> grpc.aio.UnaryStreamCall:
        return self.ci.change_requests.WatchStatus(WatchStatusRequest(project="web", resume_token=token))

    def _signals(self, token: str) -> grpc.aio.UnaryStreamCall:
        return self.web_1.runners.WatchSignals(WatchSignalsRequest(resume_token=token))

    def _log(self, token: str) -> grpc.aio.UnaryStreamCall:
        return self.auditor.log.WatchLog(WatchLogRequest(resume_token=token) if token else WatchLogRequest())

    async def close(self) -> None:
        for connection in (self.ci, self.web_1, self.auditor):
            await connection.close()


async def synced(call: grpc.aio.UnaryStreamCall) -> Mark:
    """The mark that says that the stream has caught up; ends the stream."""
    while True:
        message = await within(call.read(), "the next message")
        if message.mark.kind == MARK_KIND_SYNCED:
            call.cancel()
            return message.mark


async def another_store(world: World) -> None:
    """a token of another store is refused on every stream; a client that meets that begins anew"""
    here, there = Streams(world.address), Streams(await world.harness.other())
    # The other log is as long as to have a position that this one has, too.
    for number in range(3):
        task = deployment(f"other-{number}")
        await there.ci.change_requests.CreateChangeRequest(CreateChangeRequestRequest(task=task))
    for name, open_stream in there.all().items():
        mark = await synced(open_stream(""))
        token = mark.resume_token
        again = await synced(open_stream(token))
        check(again.sequence >= mark.sequence, f"the {name} stream went back in its own store")
        await refused(here.all()[name](token).read(), *ANOTHER)

        tried = []

        def watch(token: str, name=name, tried=tried):
            tried.append(token)
            return here.all()[name](token)

        # As a client has it that kept a token while its gate was moved to another store.
        async with aclosing(follow(watch, token=token)) as messages:
            await within(anext(messages), f"the {name} stream from its beginning")
        equal(tried, [token, ""], f"the tokens that the client tried on the {name} stream")
    await here.close()
    await there.close()


STORIES = (another_store,)
