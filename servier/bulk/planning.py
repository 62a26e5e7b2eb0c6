"""What a run over a whole file would take, measured on a sample of it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from servier.bulk.blocks import Block
from servier.bulk.inputs import Inputs, open_inputs
from servier.bulk.options import Options
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
        Rows per second with all workers.
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


def plan(source: str | Path, target: str | Path, checkpoints: Sequence[str | Path], options: Options) -> Plan:
    """Score a sample from the first million rows, and reckon up what the whole would take.

    Raises
    ------
    ServierError
        As `predict_file`; nothing is written.
    """
    with open_inputs(Path(source), Path(target), checkpoints, options) as inputs:
        n_rows = inputs.n_rows or 0
        rate, n_sampled, n_bytes = _measure(inputs, options, Path(target))
    share = n_bytes / max(n_sampled, 1)
    kept = min(n_rows, options.top) if options.top is not None else n_rows
    seconds = n_rows / rate if rate else 0.0
    return Plan(n_rows, n_sampled, rate, seconds, seconds * options.workers / 3600, round(share * kept))


def _measure(inputs: Inputs, options: Options, target: Path) -> tuple[float, int, int]:
    """Return rows per second, rows scored, and bytes of their part of the output."""
    blocks: list[Block] = []

    def read() -> Iterator[Sequence[Any]]:
        for block in _sample(inputs):
            blocks.append(block)
            yield block.items

    pack = packer(target) if str(target) != STANDARD_STREAM else bytes
    ends: list[float] = []
    sizes: list[int] = []
    n_bytes = 0
    answers = ordered_map(inputs.work, read(), options.workers, options.timeout)
    try:
        for number, scored in enumerate(answers):
            ends.append(time.monotonic())
            sizes.append(scored.counts.total())
            lines = inputs.output.combine(blocks[number].rows, scored.ends)
            text = b"".join(line if isinstance(line, bytes) else repr(line).encode() for line in lines)
            n_bytes += len(pack(text))
            if ends[-1] - ends[0] > SAMPLE_SECONDS:
                break
    finally:
        answers.close()  # type: ignore[attr-defined]
    # The first answers come late, for processes start; what comes after them shows the rate.
    warm = min(options.workers, len(ends) - 1)
    seconds = ends[-1] - ends[warm] if ends and warm < len(ends) - 1 else 0.0
    rate = sum(sizes[warm + 1 :]) / seconds if seconds else sum(sizes) / 1.0
    return rate, sum(sizes), n_bytes


def _sample(inputs: Inputs) -> Iterator[Block]:
    """Take blocks that are spread evenly over the first million rows."""
    span = min(len(inputs.rows), SPAN_ROWS)
    rows = range(inputs.rows.start, inputs.rows.start + span)
    step = max(1, span // inputs.reader.block_rows // SAMPLE_BLOCKS)
    return islice(inputs.reader.blocks(rows), 0, None, step)
