"""Plays every story of a gate against a real server: prints a line for each, and ends at the first that fails.

usage:
    python generate.py OUT
    PYTHONPATH=OUT python scenario.py ADDRESS CONTROL

ADDRESS is of an empty `countersign serve --insecure-dev`; CONTROL is where it can be killed and started again, as
`tests/interop/control.rs` offers. Nothing here knows more of the gate than its proto files.
"""

import asyncio
import sys
import tempfile
import traceback
from pathlib import Path

import grpc
from connection import Refusal
from expect import Failed
from harness import Harness
from stories import (
    decisions,
    directory,
    doubts,
    front,
    log,
    refusals,
    restarts,
    resume,
    starts,
    strangers,
    torn,
    windows,
)
from world import World

# A story may need what those before it left.
STORIES = (
    *front.STORIES,
    *directory.STORIES,
    *decisions.STORIES,
    *starts.STORIES,
    *windows.STORIES,
    *refusals.STORIES,
    *restarts.STORIES,
    *resume.STORIES,
    *log.STORIES,
    *torn.STORIES,
    *strangers.STORIES,
    *doubts.STORIES,
)


async def play(address: str, control: str) -> bool:
    """True if every story went as it has to."""
    with tempfile.TemporaryDirectory(prefix="countersign-interop-") as scratch:
        world = World(address, Harness(control), Path(scratch))
        try:
            for story in STORIES:
                try:
                    await story(world)
                except Exception as error:
                    print(f"FAILED  {story.__doc__}\n        {explain(error)}", flush=True)
                    return False
                print(f"ok      {story.__doc__}", flush=True)
        finally:
            await world.close()
    print(f"{len(STORIES)} stories")
    return True


def explain(error: Exception) -> str:
    """What a reader needs to find the fault."""
    where = "".join(traceback.format_tb(error.__traceback__))
    if isinstance(error, Failed):
        return f"{error}\n{where}"
    if isinstance(error, grpc.aio.AioRpcError):
        return f"refused: {Refusal.of(error)}\n{where}"
    return f"{type(error).__name__}: {error}\n{where}"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    sys.exit(0 if asyncio.run(play(*sys.argv[1:])) else 1)
