"""Asks whoever started the scenario for what no client can do: kill the server, start it again, start another one."""

from __future__ import annotations

import asyncio

from expect import check, within


class Harness:
    """Speaks one word on a connection and waits for its line; `tests/interop/control.rs` is the other side."""

    def __init__(self, control: str) -> None:
        self._host, _, self._port = control.rpartition(":")

    async def kill(self) -> None:
        """Ends the server as a power cut would."""
        await self._ask("kill")

    async def start(self) -> None:
        """Starts the server again, on the same store and port."""
        await self._ask("start")

    async def other(self) -> str:
        """Starts one more server on an empty store of its own; answers with its address."""
        return await self._ask("other")

    async def _ask(self, word: str) -> str:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.write(f"{word}\n".encode())
        answer = await within(reader.readline(), f"`{word}` by the harness")
        writer.close()
        check(answer.endswith(b"\n"), f"the harness could not `{word}`")
        return answer.decode().strip()
