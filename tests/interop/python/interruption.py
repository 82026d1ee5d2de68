"""What can happen to a stream in the middle, with a story that goes on while the client is away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from relay import Relay
from world import World

Meanwhile = Callable[[], Awaitable[object]]
Interruption = Callable[[World, Relay, Meanwhile], Awaitable[None]]


async def cut(world: World, relay: Relay, meanwhile: Meanwhile) -> None:
    """a cut connection"""
    relay.cut()
    await meanwhile()
    relay.mend()


async def restart(world: World, relay: Relay, meanwhile: Meanwhile) -> None:
    """a restart of the server"""
    # The client cannot come back before the story wants it to; what breaks its streams is the server's death.
    relay.close()
    await world.harness.kill()
    await world.start_again()
    await meanwhile()
    relay.mend()


INTERRUPTIONS = (cut, restart)


def over(story: Callable[[World, Interruption], Awaitable[None]], interruption: Interruption):
    """The story with this interruption in its middle."""

    async def told(world: World) -> None:
        await story(world, interruption)

    told.__doc__ = f"over {interruption.__doc__}: {story.__doc__}"
    return told
