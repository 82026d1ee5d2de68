"""Recomputes the hash chain of the log, from nothing but what the proto file says about an entry."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable

from countersign.v1.log_service_pb2 import LogEntry


class BrokenChain(Exception):
    """An entry is not what the chain says it was."""


def verify(entries: Iterable[LogEntry]) -> tuple[int, str]:
    """Checks entries from the first one on; answers with the sequence and the hash of the last."""
    sequence, instant, previous = 0, 0, "0" * 64
    for entry in entries:
        if entry.sequence != sequence + 1:
            raise BrokenChain(f"after entry {sequence} came entry {entry.sequence}")
        if entry.previous_hash != previous:
            raise BrokenChain(f"entry {entry.sequence} follows another entry {sequence}")
        if hash_of(entry) != entry.hash:
            raise BrokenChain(f"entry {entry.sequence} does not have the hash it says")
        if micros(entry) < instant:
            raise BrokenChain(f"entry {entry.sequence} is earlier than the one before")
        sequence, instant, previous = entry.sequence, micros(entry), entry.hash
    return sequence, previous


def hash_of(entry: LogEntry) -> str:
    """SHA-256 of format version, sequence, instant, previous hash and the SHA-256 of the body."""
    numbers = struct.pack(">HQQ", entry.format, entry.sequence, micros(entry))
    body = hashlib.sha256(entry.body.encode()).digest()
    return hashlib.sha256(numbers + bytes.fromhex(entry.previous_hash) + body).hexdigest()


def micros(entry: LogEntry) -> int:
    """The instant in microseconds since 1970."""
    return entry.instant.seconds * 1_000_000 + entry.instant.nanos // 1_000
