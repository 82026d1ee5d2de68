"""A network between client and gate that a test can cut."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class Relay:
    """Passes bytes between a port of its own and the gate, unless it is told not to.

    With `break_after` the first connection breaks after so many bytes of answers as the first number says, and so
    on. None, or no number any more: it lasts.
    """

    def __init__(self, target: str, break_after: Iterable[int | None] = ()) -> None:
        self._break_after = iter(break_after)
        self._host, _, self._port = target.rpartition(":")
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task] = set()
        self._is_closed = False
        self.swallows = False
        self.connections = 0
        self.broken = 0

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self._server.close()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def address(self) -> str:
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    def swallow(self) -> None:
        """Loses what the gate answers, until the connections are cut; what the client says still arrives."""
        self.swallows = True

    def cut(self) -> None:
        """Breaks every connection, without a goodbye, and lets no new one through."""
        self.close()
        for writer in list(self._writers):
            writer.transport.abort()

    def close(self) -> None:
        """Lets no new connection through; those that are open stay."""
        self._is_closed = True

    def mend(self) -> None:
        """Lets new connections through, and answers on them."""
        self._is_closed = False
        self.swallows = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_closed:
            writer.transport.abort()
            return
        try:
            gate_reader, gate_writer = await asyncio.open_connection(self._host, self._port)
        except ConnectionError:
            # The server is down, and the client shall see it so.
            writer.transport.abort()
            return
        self.connections += 1
        self._serving.add(asyncio.current_task())
        self._writers |= {writer, gate_writer}
        try:
            await asyncio.gather(
                self._pass(reader, gate_writer),
                self._pass(gate_reader, writer, answers=True, budget=next(self._break_after, None)),
            )
        finally:
            self._writers -= {writer, gate_writer}

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answers: bool = False,
        budget: int | None = None,
    ) -> None:
        try:
            while data := await reader.read(65_536):
                if answers and self.swallows:
                    continue
                if budget is not None:
                    data, budget = data[:budget], budget - len(data)
                writer.write(data)
                await writer.drain()
                if budget is not None and budget <= 0:
                    self.broken += 1
                    break
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
