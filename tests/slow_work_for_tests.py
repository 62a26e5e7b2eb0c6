"""Work that takes a known time. It stands by itself, so that its worker processes start at once."""

import time
from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace

BLOCK_ROWS = 100


@dataclass(frozen=True)
class SlowWork:
    """Takes the same time for each row, and starts slowly."""

    seconds: float

    def prepare(self):
        time.sleep(1)
        return self.score

    def score(self, rows):
        seconds = self.seconds * len(rows) / BLOCK_ROWS
        time.sleep(seconds)  # on a busy machine it takes longer, which is not what the tests are about
        counts = Counter({"ok": len(rows)})
        return SimpleNamespace(cells=[b"\n"] * len(rows), counts=counts, ranks=[], seconds=seconds)
