"""The log holds all of the above, in one order, and nothing in it was changed."""

from __future__ import annotations

import grpc
from chain import BrokenChain, hash_of, verify
from countersign.v1.log_service_pb2 import (
    AGGREGATE_KIND_TASK,
    GetHeadRequest,
    ListEntriesRequest,
    LogEntry,
    WatchLogRequest,
)
from countersign.v1.stream_pb2 import MARK_KIND_SYNCED, Mark
from expect import check, equal, refused, within
from world import World, deployment


async def read_to_head(call: grpc.aio.UnaryStreamCall) -> tuple[list[LogEntry], Mark]:
    """The entries up to the mark that says: this was all there was."""
    entries: list[LogEntry] = []
    while True:
        message = await within(call.read(), "the next message of the log")
        check(message is not grpc.aio.EOF, "the log stream ended before its mark")
        entries.extend(message.entries)
        if message.HasField("mark"):
            equal(message.mark.kind, MARK_KIND_SYNCED, "the first mark")
            return entries, message.mark


async def chained(world: World) -> None:
    """the whole log is read in order, and its hash chain recomputed up to the head"""
    log = world.auditor.log
    head = await log.GetHead(GetHeadRequest())
    stream = log.WatchLog(WatchLogRequest())
    entries, mark = await read_to_head(stream)
    stream.cancel()
    equal(verify(entries), (head.sequence, head.hash), "the last entry and its hash")
    equal(mark.sequence, head.sequence, "the position of the mark")
    check(head.sequence > 50, f"only {head.sequence} entries after all these stories")

    changed = LogEntry()
    changed.CopyFrom(entries[1])
    changed.body += " "
    check(hash_of(changed) != changed.hash, "the hash does not cover the body")
    try:
        verify([entries[0], *entries[2:]])
    except BrokenChain:
        pass
    else:
        check(False, "an entry is missing, and nobody noticed")


async def listed(world: World) -> None:
    """the pages of the list hold the same entries as the stream"""
    log = world.auditor.log
    stream = log.WatchLog(WatchLogRequest())
    entries, _ = await read_to_head(stream)
    stream.cancel()
    pages: list[LogEntry] = []
    request = ListEntriesRequest(page_size=20)
    while True:
        page = await log.ListEntries(request)
        pages.extend(page.entries)
        if page.next_sequence == 0:
            break
        request.from_sequence = page.next_sequence
    equal([it.hash for it in pages], [it.hash for it in entries], "the hashes of all entries")
    request = ListEntriesRequest(aggregate=AGGREGATE_KIND_TASK, aggregate_id="deploy-1", page_size=1_000)
    about = (await log.ListEntries(request)).entries
    check(about, "no entry about a task that ran")
    equal({it.aggregate_id for it in about}, {"deploy-1"}, "what the entries of one task are about")


async def resumed(world: World) -> None:
    """from its mark on, the log stream goes on with the next entry"""
    log = world.auditor.log
    stream = log.WatchLog(WatchLogRequest())
    entries, mark = await read_to_head(stream)
    stream.cancel()
    await world.orchestrator.ask(deployment("log-1", "staging"))
    later = log.WatchLog(WatchLogRequest(resume_token=mark.resume_token))
    more, _ = await read_to_head(later)
    later.cancel()
    equal(more[0].sequence, mark.sequence + 1, "the first entry after the mark")
    head = await log.GetHead(GetHeadRequest())
    equal(verify([*entries, *more]), (head.sequence, head.hash), "the chain over both streams")


async def no_such_position(world: World) -> None:
    """a position that the log does not have is refused"""
    head = await world.head()
    beyond = world.auditor.log.WatchLog(WatchLogRequest(from_sequence=head + 2))
    facts = {"found": str(head + 2), "limit": str(head + 1)}
    await refused(beyond.read(), grpc.StatusCode.OUT_OF_RANGE, "SEQUENCE_OUT_OF_RANGE", **facts)


STORIES = (chained, listed, resumed, no_such_position)
