"""A network between client and gate that a test can cut."""

from __future__ import annotations

import asyncio


class Relay:
    """Passes bytes between a port of its own and the gate, unless it is told not to."""

    def __init__(self, target: str) -> None:
        self._host, _, self._port = target.rpartition(":")
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self.swallows = False
        self.connections = 0

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self._server.close()

    @property
    def address(self) -> str:
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    def swallow(self) -> None:
        """Loses what the gate answers, until the connections are cut; what the client says still arrives."""
        self.swallows = True

    def cut(self) -> None:
        """Breaks every connection, without a goodbye, and lets no new one through."""
        self._is_cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        """Lets new connections through, and answers on them."""
        self._is_cut = False
        self.swallows = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        self.connections += 1
        gate_reader, gate_writer = await asyncio.open_connection(self._host, self._port)
        self._writers |= {writer, gate_writer}
        try:
            await asyncio.gather(
                self._pass(reader, gate_writer, answers=False),
                self._pass(gate_reader, writer, answers=True),
            )
        finally:
            self._writers -= {writer, gate_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool) -> None:
        try:
            while data := await reader.read(65_536):
                if not (answers and self.swallows):
                    writer.write(data)
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
