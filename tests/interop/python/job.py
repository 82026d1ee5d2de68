"""A command that shows that it really ran."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# It leaves a line when it begins and one when it ends; between them it waits for a word, if there is a pipe.
SCRIPT = """
echo "began as process $$" >> "$1"
if [ -p "$1.pipe" ]; then read -r word < "$1.pipe"; fi
echo "ended" >> "$1"
exit "$2"
"""


@dataclass(frozen=True)
class Job:
    """A command with a trace file of its own. With `waits` it does not end before `go_on`."""

    trace: Path
    exit_code: int = 0
    waits: bool = False

    def __post_init__(self) -> None:
        if self.waits:
            os.mkfifo(self._pipe)

    @property
    def command(self) -> list[str]:
        return ["sh", "-c", SCRIPT, "job", str(self.trace), str(self.exit_code)]

    @property
    def runs(self) -> int:
        """How often it began."""
        return sum(line.startswith("began") for line in self._lines())

    @property
    def ended(self) -> bool:
        return "ended" in self._lines()

    def go_on(self) -> None:
        """Lets the command end."""
        # Opening one end of a pipe waits for the other end, which the command opens once it has begun.
        self._pipe.write_text("go on\n")

    def _lines(self) -> list[str]:
        return self.trace.read_text().splitlines() if self.trace.exists() else []

    @property
    def _pipe(self) -> Path:
        return self.trace.with_name(f"{self.trace.name}.pipe")
