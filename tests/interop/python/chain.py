"""Recomputes the hash chain of the log, from nothing but what the proto file says about an entry."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable

from countersign.v1.log_service_pb2 import LogEntry


class BrokenChain(Exception):
    """An entry is not what the chain says it was."""


class Chain:
    """The entries so far, of which only the hashes are kept."""

    def __init__(self) -> None:
        self._hashes = ["0" * 64]
        self._instant = 0

    @property
    def head(self) -> tuple[int, str]:
        """The sequence and the hash of the newest entry."""
        return len(self._hashes) - 1, self._hashes[-1]

    def extend(self, entry: LogEntry) -> bool:
        """Takes the next entry; False if it is an earlier one again, unchanged."""
        sequence, newest = self.head
        if hash_of(entry) != entry.hash:
            raise BrokenChain(f"entry {entry.sequence} does not have the hash it says")
        if 0 < entry.sequence <= sequence:
            if entry.hash != self._hashes[entry.sequence]:
                raise BrokenChain(f"entry {entry.sequence} is another one than before")
            return False
        if entry.sequence != sequence + 1:
            raise BrokenChain(f"after entry {sequence} came entry {entry.sequence}")
        if entry.previous_hash != newest:
            raise BrokenChain(f"entry {entry.sequence} follows another entry {sequence}")
        if micros(entry) < self._instant:
            raise BrokenChain(f"entry {entry.sequence} is earlier than the one before")
        self._hashes.append(entry.hash)
        self._instant = micros(entry)
        return True


def verify(entries: Iterable[LogEntry]) -> tuple[int, str]:
    """Checks entries from the first one on, each once; answers with the sequence and the hash of the last."""
    chain = Chain()
    for entry in entries:
        if not chain.extend(entry):
            raise BrokenChain(f"entry {entry.sequence} came twice")
    return chain.head


def hash_of(entry: LogEntry) -> str:
    """SHA-256 of format version, sequence, instant, previous hash and the SHA-256 of the body."""
    numbers = struct.pack(">HQQ", entry.format, entry.sequence, micros(entry))
    body = hashlib.sha256(entry.body.encode()).digest()
    return hashlib.sha256(numbers + bytes.fromhex(entry.previous_hash) + body).hexdigest()


def micros(entry: LogEntry) -> int:
    """The instant in microseconds since 1970."""
    return entry.instant.seconds * 1_000_000 + entry.instant.nanos // 1_000
