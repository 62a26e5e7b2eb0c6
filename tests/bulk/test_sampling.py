import gzip

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats

from servier.bulk.options import Options
from servier.bulk.sampling import draw_sample
from servier.errors import DataError

ROWS = ["C" * length for length in range(1, 2001)]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "library.csv"
    path.write_text("id,smiles\n" + "".join(f"{i},{text}\n" for i, text in enumerate(ROWS)))
    return path


def places(sample):
    return [len(smiles) - 1 for smiles in sample.smiles]


def test_rows_are_drawn_without_repetition_and_stay_in_order(table):
    """As many as were asked for, each once, whatever the number."""
    for n in (1, 300, 1999, 2000, 5000):
        sample = draw_sample(table, n, 0, Options())
        assert len(sample.smiles) == min(n, 2000)
        assert places(sample) == sorted(set(places(sample)))
        assert sample.n_rows == 2000


def test_every_row_is_as_likely_as_any_other(table):
    """Over many seeds rows are drawn equally often, those of the end too, by a chi-square test."""
    counts = np.zeros(2000)
    for seed in range(100):
        counts[places(draw_sample(table, 100, seed, Options()))] += 1
    assert stats.chisquare(counts.reshape(20, 100).sum(axis=1)).pvalue > 1e-4


def test_the_format_of_a_table_does_not_decide_what_is_drawn(table, tmp_path):
    """Compressed, in a Parquet file, or under other columns, the same rows are drawn with a seed."""
    drawn = draw_sample(table, 50, 7, Options())
    compressed = tmp_path / "library.csv.gz"
    compressed.write_bytes(gzip.compress(table.read_bytes()))
    columns = {"id": list(range(2000)), "smiles": ROWS}
    pq.write_table(pa.table(columns), tmp_path / "library.parquet")
    (tmp_path / "library.smi").write_text("".join(f"{text} name\n" for text in ROWS))
    for name in ("library.csv.gz", "library.parquet", "library.smi"):
        assert draw_sample(tmp_path / name, 50, 7, Options()) == drawn
    assert draw_sample(table, 50, 8, Options()) != drawn


def test_rows_without_a_molecule_are_not_drawn(tmp_path):
    """They count as rows of the table all the same."""
    path = tmp_path / "library.csv"
    path.write_text("smiles,name\nCCO,a\n,b\nCCN,c,too,many\nCCC,d\n")
    sample = draw_sample(path, 10, 0, Options())
    assert sample.smiles == ["CCO", "CCC"]
    assert sample.n_rows == 4


def test_stdin_is_refused():
    """It cannot be read a second time."""
    with pytest.raises(DataError, match="stdin cannot be sampled"):
        draw_sample("-", 10, 0, Options())
