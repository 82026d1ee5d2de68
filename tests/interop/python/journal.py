"""Follows the log over reconnections: every entry, once, in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import grpc
from chain import Chain
from countersign.v1.log_service_pb2 import LogEntry
from streams import follow


async def entries(open_stream: Callable[[str], grpc.aio.UnaryStreamCall]) -> AsyncIterator[LogEntry]:
    """Every entry from the first one on, for ever; `open_stream` opens the log with a resume token.

    A token stands for the newest mark, and entries may have come after that. So a stream that goes on where the
    token says repeats them; they are left out here, once they have proven to be the same.
    """
    chain = Chain()
    async with aclosing(follow(open_stream)) as messages:
        async for message in messages:
            for entry in message.entries:
                if chain.extend(entry):
                    yield entry
