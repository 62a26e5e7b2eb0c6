"""Bombs: lines, records, values and pages that no memory holds, and texts that took more than linear time."""

import gzip
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.bulk import blocks, parquet_blocks
from servier.bulk.blocks import Reader
from servier.bulk.options import Options
from servier.bulk.parquet_blocks import ParquetReader
from servier.errors import MAX_MESSAGE, DataError
from servier.tables import Dialect, open_table, parquet_pages

MB = 1 << 20
MOL = b"\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n"
LONG = b"a" * 1001


def in_parquet(**columns):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"smiles": ["C"] * len(next(iter(columns.values()))), **columns}), buffer)
    return buffer.getvalue()


REFUSED = {
    "a row": ("t.csv", b"smiles,x\nC,b\nCC," + LONG + b"\nO,\n", "line 3: this line"),
    "a field": ("t.tsv", b"smiles\tx\n" + LONG + b"\tb\n", "line 2: this line"),
    "a header": ("t.csv", b"smiles," + LONG + b"\nC,b\n", "line 1: this line"),
    "a title": ("t.csv", b"# " + LONG + b"\nsmiles\nC\n", "line 1: this line"),
    "a record": ("t.csv", b'smiles,x\nC,"' + b"a\n" * 501 + b'"\n', "line 2: this record in quotation marks"),
    "an open quotation mark": (
        "t.csv",
        b'smiles,x\nC,"' + b"a\n" * 2000,
        "line 2: this record in quotation marks",
    ),
    "a header in quotes": ("t.csv", b'smiles,"' + b"a\n" * 2000, "line 1: this record in quotation marks"),
    "a header that ends": (
        "t.csv",
        b'smiles,"' + b"aaaa\n" * 300 + b'"\nC,b\n',
        "line 1: this record in quotation marks",
    ),
    "a packed row": ("t.csv.gz", gzip.compress(b"smiles\n" + LONG, mtime=0), "line 2: this line"),
    "a line of SMI": ("t.smi", b"C a\nC " + LONG + b"\n", "line 2: this line"),
    "a line of an SD file": ("t.sdf", MOL + b"> <x>\n" + LONG + b"\n\n$$$$\n", "line 7: this line"),
    "a record of an SD file": (
        "t.sdf",
        MOL + b"$$$$\n" + MOL + b"> <x>\n" + b"a\n" * 500 + b"\n$$$$\n",
        "line 7: this record",
    ),
    "a value of a Parquet file": (
        "t.parquet",
        in_parquet(x=["a", LONG.decode(), None]),
        "line 2, column x: this value",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_too_long_is_refused(command, tmp_path, what):
    """One line names the place and the option, and nothing is left; with a higher limit it is read."""
    name, content, place = REFUSED[what]
    (tmp_path / name).write_bytes(content)
    words = ["featurize", name, "o.parquet", "--preset", "fast"]
    said = command(*words, "--max_line", 1000, cwd=tmp_path, status=1).stderr.strip()
    assert f"{name}, {place} has more than 1,000 bytes" in said
    assert "--max_line accepts longer ones" in said
    assert said.count("\n") == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]
    if content.count(b'"') != 1:
        with open_table(tmp_path / name, Dialect(max_line=10_000)) as table:
            assert list(table)


def test_a_run_goes_on_with_a_higher_limit():
    """The limit decides whether there is an output, but not what it holds."""
    assert Options(dialect=Dialect(max_line=5)).identity() == Options().identity()


def test_a_message_is_no_file(command, tmp_path):
    """What a whole file was taken for is named by its beginning, and the hint is there."""
    columns = b"".join(b",c%d" % i for i in range(10_000))
    (tmp_path / "t.csv").write_bytes(b"x" * 100_000 + columns + b"\nC\n")
    said = command("featurize", "t.csv", "o.parquet", "--smiles_column", "b", cwd=tmp_path, status=1).stderr
    assert len(said) < 2 * MAX_MESSAGE
    assert "no column 'b'; the columns are xxx" in said
    assert said.endswith("c98, 9,901 more\n")


def measure(content, name, folder):
    """The processor time that reading a table takes, whatever comes of it."""
    path = folder / name
    path.write_bytes(content)
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        try:
            with open_table(path) as table:
                list(table)
        except DataError:
            pass
        best = min(best, time.process_time() - start)
    return best


GROWING = {
    "columns": ("t.csv", 20_000, lambda n: b"smiles" + b"".join(b",c%d" % i for i in range(n)) + b"\nC\n"),
    "columns without a name": ("t.csv", 50_000, lambda n: b"smiles" + b"," * n + b"\nC\n"),
    "an open quotation mark": ("t.csv", 900, lambda n: b'smiles,x\nC,"' + (b"a" * 5000 + b"\n") * n),
    "an open quotation mark in the header": ("t.csv", 450, lambda n: b'smiles,"' + (b"a" * 9000 + b"\n") * n),
    "an open quotation mark between tabs": ("t.tsv", 400, lambda n: b'smiles\n"' + (b"a" * 9000 + b"\n") * n),
    "sep= and tabs": ("t.csv", 5_000, lambda n: b"sep=;" + b"\t" * n + b"x\nsmiles\nC\n"),
    "blank lines": ("t.csv", 500_000, lambda n: b"\n" * n + b"smiles\nC\n"),
    "comments": ("t.csv", 20_000, lambda n: b"# a\n" * n + b"smiles\nC\n"),
    "a field of many items": ("t.sdf", 10_000, lambda n: MOL + b"> <x>\n1\n\n" * n + b"$$$$\n"),
    "fields of many names": (
        "t.sdf",
        10_000,
        lambda n: MOL + b"".join(b"> <%d>\n\n" % i for i in range(n)) + b"$$$$\n",
    ),
    "a data header of brackets": ("t.sdf", 4_000, lambda n: MOL + b"> " + b"<" * n + b"\n1\n\n$$$$\n"),
    "a data header of digits": ("t.sdf", 20_000, lambda n: MOL + b"> " + b"1" * n + b"x\n1\n\n$$$$\n"),
}


@pytest.mark.seconds
@pytest.mark.parametrize("what", GROWING)
def test_time_grows_as_the_file_does(tmp_path, what):
    """Twice as much takes less than three times as long."""
    name, n, make = GROWING[what]
    assert measure(make(2 * n), name, tmp_path) < 3 * measure(make(n), name, tmp_path) + 0.05


def zeros(n_mb, before=b"smiles,x\nC,", after=b"\nCC,b\n"):
    """A gzip file of a few kilobytes for each megabyte."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as stream:
        stream.write(before)
        for _ in range(n_mb):
            stream.write(b"0" * MB)
        stream.write(after)
    return packed.getvalue()


def one_page():
    """A Parquet file whose page of 300 MB takes some kilobytes."""
    packed = io.BytesIO()
    table = pa.table({"smiles": ["C"], "x": ["a" * (300 * MB)]})
    pq.write_table(table, packed, compression="zstd", use_dictionary=False, write_statistics=False)
    return packed.getvalue()


def repeated(n_rows):
    """A Parquet file with one value of a megabyte in a dictionary, for each row."""
    packed = io.BytesIO()
    values = pa.DictionaryArray.from_arrays(pa.array([0] * n_rows, pa.int32()), ["a" * MB])
    pq.write_table(pa.table({"smiles": ["C"] * n_rows, "x": values}), packed, store_schema=False)
    return packed.getvalue()


BOMBS = {
    "a line": ("t.csv.gz", lambda: zeros(400), 1),
    "a header": ("t.csv.gz", lambda: zeros(400, b"smiles,"), 1),
    "a line of SMI": ("t.smi.gz", lambda: zeros(400, b"C "), 1),
    "a line of an SD file": ("t.sdf.gz", lambda: zeros(400, MOL + b"> <x>\n"), 1),
    "a record of an SD file": (
        "t.sdf",
        lambda: MOL + b"> <x>\n" + b"ab\n" * 20_000_000 + b"\n$$$$\n",
        1,
    ),
    "an open quotation mark": ("t.csv", lambda: b'smiles,x\nC,"' + (b"a" * MB + b"\n") * 300, 1),
    "many long lines": (
        "t.csv.gz",
        lambda: b"".join(zeros(8, b"smiles,x\nC," if not i else b"C,", b"\n") for i in range(40)),
        0,
    ),
    "a Parquet page": ("t.parquet", one_page, 1),
    "a value in a dictionary": ("t.parquet", lambda: repeated(1000), 0),
}
"""A file, and the exit status; what memory there is shall not be needed for any of them."""

PEAK = (
    "import runpy, sys\n"
    "sys.argv[0] = 'servier'\n"
    "try:\n    runpy.run_module('servier', run_name='__main__')\n"
    "finally:\n"
    "    lines = open('/proc/self/status').read().splitlines()\n"
    "    print(next(line.split()[1] for line in lines if line.startswith('VmHWM')))\n"
)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_takes_little_memory(tmp_path, what):
    """The process that reads it never has more than 512 MB, of which Arrow and RDKit are a third."""
    name, make, status = BOMBS[what]
    (tmp_path / name).write_bytes(make())
    words = ["featurize", name, "o.parquet", "--preset", "fast", "--workers", "1", "--columns", "smiles"]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *words],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600, env=os.environ,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert int(done.stdout.split()[-1]) < 512 * 1024


def lengths(reader, start, stop):
    return [len(block.items) for block in reader.blocks(range(start, stop))]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40))
def test_blocks_end_where_they_end(tmp_path_factory, sizes):
    """After so many rows, or so much text; from the end of any block on they are cut in the same way."""
    folder = tmp_path_factory.mktemp("blocks")
    cells = ["a" * size for size in sizes]
    (folder / "t.csv").write_text("smiles,x\n" + "".join(f"C,{cell}\n" for cell in cells))
    pq.write_table(
        pa.table({"smiles": ["C"] * len(cells), "x": cells}), folder / "t.parquet", row_group_size=7
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", 100)
        patch.setattr(parquet_blocks, "BLOCK_BYTES", 100)
        for name, make, columns in [
            ("t.csv", Reader, None),
            ("t.csv", Reader, ["x", "smiles"]),
            ("t.parquet", ParquetReader, None),
        ]:

            def cut(start, name=name, make=make, columns=columns):
                with open_table(folder / name) as table:
                    target = folder / "o.csv"
                    reader = make(table, target, "smiles", columns, as_values=False, by_number=False)
                    reader.block_rows = 8
                    return lengths(reader, start, len(cells))

            whole, end = cut(0), 0
            assert sum(whole) == len(cells)
            for i, length in enumerate(whole):
                assert cut(end) == whole[i:]
                text = sum(sizes[end : end + length - 1])
                assert text < 100
                end += length
                assert end % 8 == 0 or end == len(cells) or text + sizes[end - 1] + 2 * length >= 100 - length
            assert {8 * i for i in range(1, len(cells) // 8)} <= {
                sum(whole[: i + 1]) for i in range(len(whole))
            }


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("encoding", [None, "PLAIN", "DELTA_BYTE_ARRAY"])
def test_headers_of_pages_are_those_of_arrow(tmp_path, compression, version, encoding):
    """All pages of a column together are as long as Arrow says that the column is."""
    path = tmp_path / "t.parquet"
    table = pa.table(
        {"x": ["a" * (i % 50) + str(i) for i in range(3000)], "y": [[i] * (i % 3) for i in range(3000)]}
    )
    pages = {
        "data_page_version": version,
        "data_page_size": 500,
        "row_group_size": 2000,
        "write_batch_size": 100,
    }
    encodings = {"use_dictionary": encoding is None, "column_encoding": encoding and {"x": encoding}}
    pq.write_table(table, path, compression=compression, **pages, **encodings)
    footer = pq.read_metadata(path)
    with path.open("rb") as file:
        for group in range(footer.num_row_groups):
            for i in range(footer.num_columns):
                column = footer.row_group(group).column(i)
                pages = list(parquet_pages.read_pages(file, column, path))
                assert len(pages) > 1
                n_values = sum(page.values for page in pages if page.kind != parquet_pages.DICTIONARY)
                assert n_values == column.num_values
                headers = column.total_compressed_size - sum(page.packed for page in pages)
                assert sum(page.size for page in pages) + headers == column.total_uncompressed_size


def test_a_page_that_is_too_large_is_refused(command, tmp_path, monkeypatch):
    """Before it is read, by its header; so are pages that are too large together."""
    (tmp_path / "t.parquet").write_bytes(in_parquet(x=["a" * 5000], y=["b" * 5000]))
    words = ["featurize", "t.parquet", "o.parquet", "--preset", "fast"]
    monkeypatch.setattr(parquet_pages, "MAX_PAGE", 1000)
    said = command(*words, cwd=tmp_path, status=1).stderr
    assert "column x: a page of 5,004 bytes, the limit is 1,000; write the file again" in said
    monkeypatch.setattr(parquet_pages, "MAX_PAGE", 6000)
    monkeypatch.setattr(parquet_pages, "MAX_PAGES", 6000)
    said = command(*words, cwd=tmp_path, status=1).stderr
    assert "the pages of its columns need 10,0" in said
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


@pytest.mark.parametrize(("n_long", "most"), [(0, 1024), (1, 1024 // 4)])
def test_what_a_dictionary_repeats_makes_batches_small(tmp_path, monkeypatch, n_long, most):
    """What counts is its longest value, not how many it has."""
    monkeypatch.setattr(parquet_pages, "BATCH_BYTES", 1 << 20)
    path = tmp_path / "t.parquet"
    words = [f"{i:010}" for i in range(2000)] + ["a" * 4000] * n_long
    pq.write_table(pa.table({"x": words * 3}), path)
    with path.open("rb") as file:
        assert parquet_pages.rows_of_batch(file, pq.read_metadata(path), 0, path) == most


@pytest.mark.parametrize(("log_of_window", "is_read"), [(27, True), (28, False), (41, False)])
def test_a_window_of_zstd_has_a_limit(tmp_path, log_of_window, is_read):
    """A frame of some bytes that asks for more than 128 MiB is refused; the frame is that of RFC 8878."""
    content = b"smiles\nC\n"
    window, block = bytes([(log_of_window - 10) << 3]), (len(content) << 3 | 1).to_bytes(3, "little")
    path = tmp_path / "t.csv.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd\x00" + window + block + content)
    if is_read:
        with open_table(path) as table:
            assert [record.fields for record in table] == [["C"]]
    else:
        with pytest.raises(DataError, match="this zstd file needs too much memory"), open_table(path):
            pass
