"""The log over interruptions: nothing missed, nothing twice, in order."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import aclosing

import grpc
from chain import verify
from connection import Connection
from countersign.v1.change_request_service_pb2 import WithdrawTaskRequest
from countersign.v1.log_service_pb2 import GetHeadRequest, LogEntry, WatchLogRequest
from expect import check, equal, eventually
from interruption import INTERRUPTIONS, Interruption, over
from journal import entries
from relay import Relay
from stories.log import read_to_head
from tape import Stretch, Tape
from world import World, deployment

# How often a connection breaks before the log has caught up, and afterwards, where a message is much smaller.
EARLY_BREAKS = 4
LATE_BREAKS = 6
FEWEST_BYTES = 50
MOST_LATE_BYTES = 16_000

# As in every suite: the variable to replay a run with.
SEED = "COUNTERSIGN_TEST_SEED"


def log_through(relay: Relay) -> tuple[Connection, Callable[[str], grpc.aio.UnaryStreamCall]]:
    """A connection of an auditor, and how to open the log on it."""
    far = Connection(relay.address, "auditor:audit")

    def watch(token: str):
        return far.log.WatchLog(WatchLogRequest(resume_token=token) if token else WatchLogRequest())

    return far, watch


async def write(world: World, prefix: str, count: int) -> None:
    """Entries for the log, a few for each of so many tasks."""
    for number in range(count):
        await world.orchestrator.ask(deployment(f"{prefix}-{number}", "staging"))
        await world.ci.change_requests.WithdrawTask(WithdrawTaskRequest(task_id=f"{prefix}-{number}"))


async def torn(world: World) -> None:
    """the log is read, while it grows, over connections that break at random bytes"""
    seed = int(os.environ.get(SEED, random.randrange(2**32)))
    print(f"        replay with {SEED}={seed}", flush=True)
    chosen = random.Random(seed)
    stream = world.auditor.log.WatchLog(WatchLogRequest())
    so_far, _ = await read_to_head(stream)
    stream.cancel()
    size = sum(it.ByteSize() for it in so_far)
    early = [chosen.randint(FEWEST_BYTES, size) for _ in range(EARLY_BREAKS)]
    late = [chosen.randint(FEWEST_BYTES, MOST_LATE_BYTES) for _ in range(LATE_BREAKS)]
    # The connection between them lasts until the story cuts it, so that the late ones begin with a token.
    async with Relay(world.address, [*early, None, *late]) as relay:
        far, watch = log_through(relay)
        found: list[LogEntry] = []

        async def read() -> None:
            async with aclosing(entries(watch)) as log:
                async for entry in log:
                    found.append(entry)

        reading = asyncio.create_task(read())

        async def caught_up() -> None:
            head = await world.head()
            await eventually(lambda: reading.done() or (found and found[-1].sequence >= head), "more of the log")
            if reading.done():
                # Passes on why.
                reading.result()
                check(False, "the log ended")

        await caught_up()
        equal(relay.broken, EARLY_BREAKS, "connections that broke before the log had caught up")
        relay.cut()
        relay.mend()
        number = 0
        while relay.broken < EARLY_BREAKS + LATE_BREAKS:
            # A connection that has nothing more to send does not break.
            number += 1
            await write(world, f"torn-{number}", 1)
            await caught_up()
        reading.cancel()
        await far.close()
    end = await world.auditor.log.GetHead(GetHeadRequest())
    equal(verify(found), (end.sequence, end.hash), "the chain over all connections")


async def resumed(world: World, interruption: Interruption) -> None:
    """the log goes on with the entry after its mark, and leaves none out"""
    async with Relay(world.address) as relay:
        far, watch = log_through(relay)
        tape = Tape(watch)
        first = await tape.synced(1)
        # So that more has come than the newest mark tells.
        await write(world, f"before-{interruption.__name__}", 1)
        head = await world.head()
        await tape.until(lambda: newest(first) == head, "entries after the mark")

        name = f"meanwhile-{interruption.__name__}"
        await interruption(world, relay, lambda: write(world, name, 3))
        second = await tape.resumed()
        head = await world.head()
        await tape.until(lambda: newest(second) == head, "the newest entry")
        expected = list(range(first.position + 1, head + 1))
        equal([it.sequence for it in entries_of(second)], expected, "what came on the second connection")
        check(len(expected) >= 6, "nothing was written while the client was away")
        equal(len(tape.stretches), 2, "connections that entries came on")
        marked(first, 0)
        marked(second, first.position)
        await tape.stop()
        await far.close()
    both = {it.sequence: it for it in entries_of(first)} | {it.sequence: it for it in entries_of(second)}
    end = await world.auditor.log.GetHead(GetHeadRequest())
    equal(verify(both.values()), (end.sequence, end.hash), "the chain over both connections")


def marked(stretch: Stretch, sequence: int) -> None:
    """A mark stands at the newest entry that was sent before it."""
    for message in stretch.messages:
        for entry in message.entries:
            sequence = entry.sequence
        if message.HasField("mark"):
            equal(message.mark.sequence, sequence, "the position of a mark")


def entries_of(stretch: Stretch) -> list[LogEntry]:
    return [entry for message in stretch.messages for entry in message.entries]


def newest(stretch: Stretch) -> int:
    """The sequence of the last entry that has come, 0 before the first."""
    return max((it.sequence for it in entries_of(stretch)), default=0)


STORIES = (torn, *(over(resumed, interruption) for interruption in INTERRUPTIONS))
