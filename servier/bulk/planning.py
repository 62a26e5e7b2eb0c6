"""What a run over a whole file would take, measured on a sample of it."""

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from servier.bulk.blocks import Block
from servier.bulk.inputs import Inputs
from servier.bulk.options import Options, ScoringOptions
from servier.bulk.scoring import open_scoring
from servier.bulk.spools import packer
from servier.processes.ordered_map import ordered_map
from servier.tables import STANDARD_STREAM

SAMPLE_BLOCKS = 24
SPAN_ROWS = 1_000_000
SAMPLE_SECONDS = 20.0


@dataclass(frozen=True)
class Plan:
    """An estimate.

    Parameters
    ----------
    rows
        Rows of the input, or of the shard.
    sampled
        Rows that were scored to measure.
    rate
        Rows per second, all workers together.
    seconds
        Wall time for all rows.
    core_hours
        Hours of processor cores for all rows.
    output_bytes
        Size of the output.
    """

    rows: int
    sampled: int
    rate: float
    seconds: float
    core_hours: float
    output_bytes: int


def plan(
    source: str | Path, target: str | Path, checkpoints: Sequence[str | Path], options: ScoringOptions
) -> Plan:
    """Score a sample from the first million rows, and estimate what the whole would take.

    Raises
    ------
    ServierError
        As `predict_file`; nothing is written.
    """
    with open_scoring(Path(source), Path(target), checkpoints, options) as inputs:
        n_rows = inputs.n_rows or 0
        sample = _measure(inputs, options, Path(target))
        seconds = estimate_seconds(n_rows, inputs.reader.block_rows, options.workers, sample)
    share = sample.output_bytes / max(sample.rows, 1)
    kept = min(n_rows, options.top) if options.top is not None else n_rows
    rate = n_rows / seconds if seconds else 0.0
    return Plan(n_rows, sample.rows, rate, seconds, seconds * options.workers / 3600, round(share * kept))


@dataclass
class Sample:
    """What was measured.

    Parameters
    ----------
    rows
        Rows that were scored.
    seconds
        How long the workers took for them, all together, without the time in which they start.
    output_bytes
        The size of these rows in the output.
    """

    rows: int = 0
    seconds: float = 0.0
    output_bytes: int = 0


def estimate_seconds(n_rows: int, block_rows: int, workers: int, sample: Sample) -> float:
    """Return how long the workers take for all rows.

    A block is scored by one worker, so what counts is the worker with the most blocks.
    """
    n_blocks = -(-n_rows // block_rows)
    of_one_worker = min(n_rows, -(-n_blocks // workers) * block_rows)
    return sample.seconds / max(sample.rows, 1) * of_one_worker


def _measure(inputs: Inputs, options: Options, target: Path) -> Sample:
    """Score a sample, for about `SAMPLE_SECONDS` after the first answer."""
    blocks: deque[Block] = deque()

    def read() -> Iterator[Sequence[Any]]:
        for block in _sample(inputs):
            blocks.append(block)
            yield block.items

    pack = packer(target) if str(target) != STANDARD_STREAM else bytes
    sample = Sample()
    deadline = math.inf
    with closing(ordered_map(inputs.work, read(), options.workers, options.timeout)) as answers:
        for scored in answers:
            rows = inputs.output.combine(blocks.popleft().rows, scored.cells)
            content = b"".join(rows) if isinstance(rows, list) else rows.serialize().to_pybytes()
            sample.rows += scored.counts.total()
            sample.seconds += scored.seconds
            sample.output_bytes += len(pack(content))
            deadline = min(deadline, time.monotonic() + SAMPLE_SECONDS)
            if time.monotonic() > deadline:
                break
    return sample


def _sample(inputs: Inputs) -> Iterator[Block]:
    """Take blocks that are spread evenly over the first million rows."""
    span = min(len(inputs.rows), SPAN_ROWS)
    rows = range(inputs.rows.start, inputs.rows.start + span)
    step = max(1, span // inputs.reader.block_rows // SAMPLE_BLOCKS)
    return islice(inputs.reader.blocks(rows), 0, None, step)
