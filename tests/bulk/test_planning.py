"""The estimate of a dry run."""

import math
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from slow_work_for_tests import BLOCK_ROWS, SlowWork

from servier.bulk import planning, work
from servier.bulk.blocks import Block
from servier.bulk.options import Options
from servier.bulk.work import ScoringWork
from servier.chem.molecules import InvalidMolecule
from servier.scoring.predictions import Predictions, empty_row, output_rows
from servier.tables import Header


class Rows:
    """Rows of nothing, in blocks."""

    block_rows = BLOCK_ROWS

    def blocks(self, rows):
        for start in range(rows.start, rows.stop, BLOCK_ROWS):
            n_rows = min(BLOCK_ROWS, rows.stop - start)
            yield Block([("C", None)] * n_rows, [b"C"] * n_rows)


def estimate(n_rows, seconds, workers):
    output = SimpleNamespace(combine=lambda rows, cells: [a + b for a, b in zip(rows, cells, strict=True)])
    inputs = SimpleNamespace(reader=Rows(), work=SlowWork(seconds), output=output, rows=range(n_rows))
    sample = planning._measure(inputs, Options(workers=workers), Path("out.csv"))
    assert sample.output_bytes == 2 * sample.rows > 0
    return planning.estimate_seconds(n_rows, BLOCK_ROWS, workers, sample)


@pytest.mark.process
@pytest.mark.seconds
@pytest.mark.parametrize("seconds", [0.05, 0.5])
@pytest.mark.parametrize("n_rows", [10, BLOCK_ROWS, 2 * BLOCK_ROWS, 1000 * BLOCK_ROWS])
def test_the_estimate_is_the_time_of_the_blocks(n_rows, seconds):
    """From a part of a block to many, the time is that of the busier of two workers, without its start."""
    truth = seconds * n_rows / BLOCK_ROWS if n_rows <= BLOCK_ROWS else seconds * n_rows / BLOCK_ROWS / 2
    assert truth / 2 < estimate(n_rows, seconds, workers=2) < truth * 2


@pytest.mark.parametrize(
    ("n_rows", "workers", "blocks"),
    [(0, 4, 0), (10, 4, 0.1), (100, 4, 1), (400, 4, 1), (401, 4, 2), (90, 1, 0.9)],
)
def test_a_block_is_with_one_worker(n_rows, workers, blocks):
    """More workers than blocks make nothing faster, and one block more than workers takes twice the time."""
    sample = planning.Sample(rows=200, seconds=6.0)
    assert planning.estimate_seconds(n_rows, BLOCK_ROWS, workers, sample) == pytest.approx(3.0 * blocks)


@pytest.mark.parametrize("seconds", [0.05, 0.5])
def test_a_worker_says_how_long_a_block_took(monkeypatch, seconds):
    """What a worker needs to start is left out, all parts of the block count."""

    class SlowMethod:
        def prepare(self, _):
            time.sleep(2)
            return self.score

        def score(self, rows):
            for _ in rows:
                time.sleep(seconds / len(rows))
                yield Predictions([], np.zeros((1, 0)), [None])

    monkeypatch.setattr(work, "Scorer", lambda *_: None)
    slow = ScoringWork(SlowMethod(), (), 500, None, None, None, 2).prepare()
    started = time.perf_counter()
    scored = slow([("C", None)] * 4)
    assert scored.cells == [["ok", None]] * 4
    assert seconds <= scored.seconds <= time.perf_counter() - started


@pytest.mark.parametrize("ranked", [None, 0])
def test_a_row_is_given_up_without_opening_a_model(ranked):
    """The work knows what an empty answer looks like; the checkpoint is not there at all."""
    scoring = ScoringWork(None, ("absent.servier",), 500, None, Header(["smiles"], b"smiles"), ranked, 4)
    scored = scoring.give_up(("C", None), "timeout", "no answer within 2 s")
    assert scored.cells == [b",,,timeout,no answer within 2 s\n"]
    assert scored.counts == {"timeout": 1}
    assert [math.isnan(rank) for rank in scored.ranks] == ([] if ranked is None else [True])


@pytest.mark.parametrize("confidences", [(), ("0.8", "0.95")])
def test_an_empty_answer_is_what_the_scorer_gives(model_1, confidences):
    """For a molecule that cannot be read the scorer fills the same columns."""
    from servier.checkpoint.file import open_checkpoint
    from servier.scoring.scorer import Scorer

    scorer = Scorer([open_checkpoint(model_1)], confidences=confidences)
    predictions = scorer.score(["nope"])
    problem = predictions.problems[0]
    assert isinstance(problem, InvalidMolecule)
    assert output_rows(predictions) == [empty_row(len(scorer.fields), problem)]
