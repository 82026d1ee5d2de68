"""Follows a stream beside the story, and keeps what came on which connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import grpc
from countersign.v1.stream_pb2 import MARK_KIND_SYNCED, Mark
from expect import check, equal, within
from streams import Message, follow


@dataclass
class Stretch:
    """What came on one connection, which was opened with this token."""

    token: str
    messages: list[Message] = field(default_factory=list)

    @property
    def marks(self) -> list[Mark]:
        return [it.mark for it in self.messages if it.HasField("mark")]

    @property
    def position(self) -> int:
        """Where the newest token stands in the log. What was sent may be newer, never older."""
        return self.marks[-1].sequence

    @property
    def synced(self) -> Mark | None:
        return next((it for it in self.marks if it.kind == MARK_KIND_SYNCED), None)

    def snapshot(self) -> list[Message]:
        """The messages up to the mark that says: this is how things stand."""
        kinds = [it.mark.kind for it in self.messages]
        return self.messages[: kinds.index(MARK_KIND_SYNCED) + 1]


class Tape:
    """A stream that is followed over reconnections until the story has what it needs."""

    def __init__(self, open_stream: Callable[[str], grpc.aio.UnaryStreamCall], until_ok: bool = False) -> None:
        self._open_stream = open_stream
        self._news = asyncio.Event()
        # Attempts that no message came on are left out: how many there are is a matter of luck.
        self.stretches: list[Stretch] = []
        self._recording = asyncio.create_task(self._record(until_ok))

    async def _record(self, until_ok: bool) -> None:
        attempt = Stretch("")

        def watch(token: str):
            nonlocal attempt
            attempt = Stretch(token)
            return self._open_stream(token)

        try:
            async with aclosing(follow(watch, until_ok)) as messages:
                async for message in messages:
                    if not attempt.messages:
                        self.stretches.append(attempt)
                    attempt.messages.append(message)
                    self._news.set()
        finally:
            self._news.set()

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Waits until the condition holds, which looks at what has come."""

        async def look() -> None:
            while not condition():
                if self._recording.done():
                    # Passes on why it ended; a stream that may end is asked with `ended`.
                    self._recording.result()
                    check(False, f"{what}: the stream ended before")
                self._news.clear()
                await self._news.wait()

        await within(look(), what)

    async def synced(self, number: int) -> Stretch:
        """Waits until the stream has caught up on its connection of this number, counted from 1."""
        await self.until(
            lambda: len(self.stretches) >= number and self.stretches[number - 1].synced,
            f"`synced` on connection {number}",
        )
        return self.stretches[number - 1]

    async def ended(self) -> None:
        """Waits for the OK that ends the stream."""
        await within(self._recording, "the end of a stream")

    async def resumed(self) -> Stretch:
        """Waits until the stream has caught up on its second connection, which must go on where the first was."""
        second = await self.synced(2)
        first = self.stretches[0]
        equal(first.token, "", "the token of the first connection")
        equal(second.token, first.marks[-1].resume_token, "the token of the second connection")
        return second

    async def stop(self) -> None:
        self._recording.cancel()
        await asyncio.gather(self._recording, return_exceptions=True)
