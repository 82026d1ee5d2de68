"""Follows a stream of the gate over reconnections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import grpc

# What WatchStatus and WatchSignals send: new states, a mark, or both.
Message = TypeVar("Message")

# How long to wait before connecting again, at first and at most.
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0

# How long to wait for the first message; each mark says how long to wait for the next one.
FIRST_MESSAGE = 15.0
MISSED_HEARTBEATS = 3

# Connecting again does not mend these.
LASTING = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)


async def follow(
    open_stream: Callable[[str], grpc.aio.UnaryStreamCall],
    until_ok: bool = False,
    token: str = "",
) -> AsyncIterator[Message]:
    """Every message of the stream that `open_stream` opens with a resume token, for ever.

    A stream that breaks, or misses three heartbeats, is opened again with the newest token, so that nothing is
    missed; what is current may come a second time. With `until_ok` an OK from the server ends it. `token` is one that
    was kept from an earlier run.
    """
    pause = FIRST_PAUSE
    while True:
        call = open_stream(token)
        patience = FIRST_MESSAGE
        try:
            while (message := await asyncio.wait_for(call.read(), patience)) is not grpc.aio.EOF:
                pause = FIRST_PAUSE
                if message.HasField("mark"):
                    token = message.mark.resume_token
                    patience = max(1.0, MISSED_HEARTBEATS * message.mark.heartbeat_interval_ms / 1_000)
                yield message
            if until_ok:
                return
        except asyncio.TimeoutError:
            # The server fell silent: nothing on this stream can be trusted to be current.
            pass
        except grpc.aio.AioRpcError as error:
            if error.code() in LASTING:
                if not token:
                    raise
                # Perhaps it is only the token: of another store, or of this one before it was restored, or too
                # old. Begin anew, with what is current.
                token = ""
        finally:
            call.cancel()
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
