"""The input of a run, opened once."""

import gzip
import hashlib
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from servier.bulk.featurizing import featurize_file
from servier.bulk.options import FeaturizingOptions
from servier.bulk.source import EDGE, Source, open_source
from servier.chem.levels import Level
from servier.errors import DataError
from servier.features.registry import PRESETS
from servier.tables import DelimitedText, Watch

N = 3000
TEXT = b"smiles,id\n" + b"".join(b"CCO,%d\n" % i for i in range(N))
QUOTED = TEXT.replace(b",7\n", b',"7\n7"\n')


def write(path, content=TEXT):
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content))
    elif path.suffix == ".zst":
        path.write_bytes(pa.compress(content, codec="zstd", asbytes=True))
    elif path.suffix == ".parquet":
        pq.write_table(pa.table({"smiles": ["CCO"] * N, "id": [str(i) for i in range(N)]}), path)
    else:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [TEXT, QUOTED], ids=["plain", "quoted"])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.csv.zst", "t.parquet"])
def test_one_open_file_says_everything(tmp_path, name, content):
    """Rows, their number and the identity come from a file that has lost its name, in any order."""
    path = write(tmp_path / name, content)
    whole = path.read_bytes()
    with open_source(path) as source:
        path.unlink()
        rows = iter(source.table)
        first = [next(rows).fields[1] for _ in range(5)]
        assert source.n_rows == N
        assert source.identity() == {"size": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}
        ends = hashlib.sha256(whole[:EDGE] + whole[-EDGE:]).hexdigest()
        assert source.identity(is_part=True) == {"size": len(whole), "sha256 of both ends": ends}
        found = first + [record.fields[1] for record in rows]
    assert source.features is None
    assert [text.split("\n")[0] for text in found] == [str(i) for i in range(N)]


def test_the_identity_of_a_part_looks_at_both_ends(tmp_path):
    """Of a large file that many runs read the first and the last megabyte count, and its size."""
    path = tmp_path / "t.csv"
    content = b"smiles\n" + b"C\n" * (2 * EDGE)
    path.write_bytes(content)
    with open_source(path) as source:
        expected = hashlib.sha256(content[:EDGE] + content[-EDGE:]).hexdigest()
        assert source.identity(is_part=True) == {"size": len(content), "sha256 of both ends": expected}


@pytest.mark.usefixtures("one_process")
def test_features_are_known_from_the_open_file(tmp_path):
    """A feature file says which features it holds; other ones are refused."""
    path = tmp_path / "f.parquet"
    table = tmp_path / "t.csv"
    table.write_text("smiles\nCCO\n")
    featurize_file(table, path, PRESETS["fast"], FeaturizingOptions())
    with open_source(path) as source:
        path.unlink()
        assert source.n_rows == 1
        assert source.table.header.columns == ["smiles", "status", "reason"]
        source.features.check(source.features.featurizers, Level.PARENT)
        with pytest.raises(DataError, match=r"other features \(--preset fast\)"):
            source.features.check([{"kind": "erg"}], Level.PARENT)


def test_stdin_is_a_stream():
    """Of stdin neither the number of rows nor an identity is known."""
    stream = io.BytesIO(b"smiles\nC\n")
    source = Source(Path("-"), stream, DelimitedText(stream, "-"), Watch("-", stream))
    assert (source.n_rows, source.identity(), source.features) == (None, {}, None)
    assert source.is_stream
