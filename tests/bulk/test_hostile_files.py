"""Files as spreadsheets, old computers and other programs leave them, through the real command."""

import csv
import io
import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from servier.data.datasets import Columns, load_dataset
from servier.errors import DataError
from servier.tables import Quotes

MOLECULES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "CCO",
    "c1ccccc1C",
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "CC(=O)Nc1ccc(O)cc1",
]


@pytest.fixture
def score(command, model_1, tmp_path):
    """Score a file; returns what the command said and the bytes of the output."""

    def run(source, *options, to="o.csv"):
        (tmp_path / to).unlink(missing_ok=True)
        finished = command("predict-file", source, to, "--model_path", model_1, *options, cwd=tmp_path)
        return finished.stderr, (tmp_path / to).read_bytes()

    return run


@pytest.fixture
def expected(score, tmp_path):
    """The probabilities of the molecules, in a file without any peculiarity."""
    path = tmp_path / "plain.csv"
    path.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in MOLECULES))
    return probabilities(score(path)[1])


def probabilities(content, delimiter=","):
    rows = list(csv.DictReader(io.StringIO(content.decode("latin-1"), newline=""), delimiter=delimiter))
    assert {row["status"] for row in rows} == {"ok"}
    return [row["P1_probability"] for row in rows]


@pytest.mark.parametrize("name", ["lf.csv", "crlf_excel.csv"])
def test_case_of_a_header_that_spans_lines(case, score, expected, name):
    """All columns and rows that pandas reads are there, and the output can be scored again."""
    _, content = score(case(2) / name)
    assert probabilities(content) == expected
    source, scored = pd.read_csv(case(2) / name), pd.read_csv(io.BytesIO(content))
    pd.testing.assert_frame_equal(scored[source.columns.tolist()], source)
    assert list(source.columns)[1] == "IC50\n(nM)"


def test_case_of_a_name_from_parquet(case, score, tmp_path):
    """A CSV that was written from a Parquet column with a line break in its name is read back."""
    _, content = score(case(2) / "nl.parquet", to="again.csv")
    _, again = score(tmp_path / "again.csv", "--columns", "smiles")
    assert probabilities(again) == probabilities(content)


@pytest.mark.parametrize("name", ["mac.csv", "mac.smi", "mac_one.csv", "mac_quoted.csv"])
def test_case_of_lines_that_end_in_cr(case, score, expected, name):
    """There are six rows, as pandas reads them."""
    assert probabilities(score(case(3) / name)[1]) == expected


def test_case_of_a_tsv_that_ends_in_cr(case, score, expected):
    """It has six rows as well."""
    assert probabilities(score(case(3) / "mac.tsv", to="o.tsv")[1], "\t") == expected


@pytest.mark.parametrize(("number", "name"), [(2, "train.csv"), (2, "train2.csv"), (3, "train.csv")])
def test_cases_of_labelled_tables(case, number, name):
    """Training and checking read what pandas reads."""
    target = "logS\n(mol/L)" if (number, name) == (2, "train.csv") else "y"
    columns = Columns([] if name == "train.csv" else [target])
    data, frame = load_dataset(case(number) / name, columns), pd.read_csv(case(number) / name)
    assert data.smiles == frame["smiles"].tolist()
    assert data.targets == [target]
    assert data.y[:, 0].tolist() == frame[data.targets[0]].tolist()


@pytest.mark.parametrize(("name", "n_columns"), [("one.csv", 3), ("three.csv", 5), ("rows_only.csv", 2)])
def test_case_of_trailing_commas(case, score, expected, name, n_columns):
    """Columns without a name are carried through; surplus empty fields are left out."""
    _, content = score(case(4) / name)
    assert probabilities(content) == expected
    assert {len(row) for row in csv.reader(io.StringIO(content.decode()))} == {n_columns + 4}
    table = pq.read_table(io.BytesIO(score(case(4) / name, to="o.parquet")[1]))
    assert table.column_names[2:n_columns] == [f"Unnamed: {i}" for i in range(2, n_columns)]


@pytest.mark.parametrize("name", ["closing_later.tsv", "one_open.tsv", "two_open.tsv"])
def test_case_of_quotes_in_tsv(case, score, name):
    """Each line is a row with its own molecule, and the bytes of its fields, as without any quoting."""
    said, content = score(case(5) / name, to="o.tsv")
    read = [
        list(csv.reader(io.StringIO(text.decode(), newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))
        for text in ((case(5) / name).read_bytes(), content)
    ]
    assert [row[:3] for row in read[1]] == read[0]
    assert "--quotes quoted" in said
    comma = score(case(5) / name)[1].decode()
    assert [row[:3] for row in csv.reader(io.StringIO(comma, newline=""))] == read[0]


@pytest.mark.parametrize("name", ["names.csv", "names.smi"])
def test_case_of_bytes_that_are_not_utf8(case, score, name):
    """They are the same bytes in text, whatever is done to it, and Windows-1252 in Parquet."""
    source = (case(7) / name).read_bytes()
    names = [part for part in source.replace(b"\t", b",").split(b",") if b"ure" in part]
    names = [part.split(b"\n")[0] for part in names]
    for options in ([], ["--columns", "smiles,name"]):
        for to in ("o.csv", "o.tsv"):
            content = score(case(7) / name, *options, to=to)[1]
            assert all(part in content for part in names)
    said, content = score(case(7) / name, to="o.parquet")
    assert "read as Windows-1252" in said
    assert pq.read_table(io.BytesIO(content))["name"].to_pylist() == [part.decode("cp1252") for part in names]


def test_a_column_is_named_as_it_reads(score, tmp_path):
    """The name of a column in another encoding can be typed, and stays what it is."""
    (tmp_path / "in.csv").write_bytes("smiles,IC50 (µM),x\nCCO,1,2\n".encode("cp1252"))
    content = score("in.csv", "--columns", "IC50 (µM)")[1]
    assert content.startswith(b"IC50 (\xb5M),P1_pred")


def test_bytes_in_a_molecule_are_named(score, tmp_path):
    """A SMILES string with a byte of another encoding is a row with a reason that can be printed."""
    (tmp_path / "in.csv").write_bytes(b"smiles,name\nCCO\xe9,x\n")
    assert b"CCO\xe9,x,,,invalid,byte 0xE9 does not belong" in score("in.csv")[1]


@pytest.mark.parametrize("name", ["in.csv", "in.txt", "in.smi", "in.tsv"])
def test_a_list_of_smiles_loses_no_molecule(score, tmp_path, expected, name):
    """Its first line is a row in every text format."""
    (tmp_path / name).write_text("".join(f"{smiles}\n" for smiles in MOLECULES))
    assert probabilities(score(name)[1]) == expected


def test_stdin_is_read_like_a_file(servier, model_1, tmp_path):
    """Lines that end in CR, a title, and the encoding of the fields: through a pipe, into Parquet too."""
    text = "My screen\rsmiles,name\r" + "".join(f"{smiles},Säure\r" for smiles in MOLECULES)
    (tmp_path / "in.csv").write_text(text, newline="")
    finished = servier(
        "predict-file", "-", "o.parquet", "--model_path", model_1, "--workers", 1, stdin=text, cwd=tmp_path
    )
    assert "line 1 before the header" in finished.stderr
    table = pq.read_table(tmp_path / "o.parquet")
    assert table["smiles"].to_pylist() == MOLECULES
    assert set(table["name"].to_pylist()) == {"Säure"}


@pytest.mark.parametrize("options", [[], ["--top", "20"]])
def test_shards_are_read_as_the_whole(command, model_1, tmp_path, options):
    """What the quotation marks of the whole file mean holds in each shard and in what is merged."""
    lines = [f"{i}\tname {i}\t{MOLECULES[i % 6]}\n" for i in range(1100)]
    lines[700] = f'700\t"open\t{MOLECULES[0]}\n'
    lines[900] = f'900\tclosed"\t{MOLECULES[1]}\n'
    lines[1000] = f'1000\t"two\nlines"\t{MOLECULES[2]}\n'
    (tmp_path / "in.tsv").write_text("id\tname\tsmiles\n" + "".join(lines))
    model = ["--model_path", model_1, *options]
    command("predict-file", "in.tsv", "whole.tsv", *model, cwd=tmp_path)
    for i in (1, 2):
        command("predict-file", "in.tsv", f"part{i}.tsv", *model, "--shard", f"{i}/2", cwd=tmp_path)
    command("merge", "merged.tsv", "part1.tsv", "part2.tsv", cwd=tmp_path)
    whole = (tmp_path / "whole.tsv").read_bytes()
    assert (tmp_path / "merged.tsv").read_bytes() == whole
    assert len(whole.splitlines()) == (1102 if not options else 21)


@pytest.mark.parametrize(
    ("header", "row", "targets"),
    [
        (",smiles,y", "{i},{smiles},{y}", ["y"]),
        ("Unnamed: 0,smiles,y", "{i},{smiles},{y}", ["y"]),
        ("smiles,canonical_smiles,y", "{smiles},{smiles},{y}", ["y"]),
        ("ID,Name,smiles,y", "{i},n,{smiles},{y}", ["y"]),
        ("smiles,y,,", "{smiles},{y},,", ["y"]),
        ("smiles,größe (µM)", "{smiles},{y}", ["größe (µM)"]),
    ],
)
def test_the_target_is_what_is_left(tmp_path, header, row, targets):
    """Columns without a name, and those of molecules and identifiers, are no targets; names are Unicode."""
    rows = "\r".join([header, *(row.format(i=i, smiles="C" * i, y=i % 7) for i in range(1, 40))])
    (tmp_path / "t.csv").write_bytes(rows.encode("cp1252"))
    data = load_dataset(tmp_path / "t.csv")
    assert data.targets == targets
    assert data.y[:, 0].tolist() == [i % 7 for i in range(1, 40)]


def test_the_usual_name_wins_with_a_notice(tmp_path, caplog):
    """Of several columns the one that is called smiles or id is taken, and that is said."""
    caplog.set_level("INFO", "servier")
    rows = "".join(f"{i},n{i},N,{'C' * i},{i % 5}\n" for i in range(1, 30))
    (tmp_path / "t.csv").write_text("ID,Name,canonical_smiles,smiles,y\n" + rows)
    data = load_dataset(tmp_path / "t.csv")
    assert (data.smiles[2], data.ids[2]) == ("CCC", "3")
    assert "column 'smiles' is taken, not canonical_smiles; --smiles_column names another" in caplog.text
    assert "column 'ID' is taken, not Name" in caplog.text


@pytest.mark.parametrize("quotes", list(Quotes)[:2])
def test_labelled_tables_have_the_option_too(command, tmp_path, quotes):
    """`check` reads a TSV with or without quotes as it is told, and says the rows and what it decided."""
    rows = "".join(f'{"C" * i}\t"n{i}"\t{i % 2}\n' for i in range(1, 30))
    (tmp_path / "t.tsv").write_text("smiles\tname\tP1\n" + rows)
    command("check", "t.tsv", "o.csv", "--quotes", quotes, cwd=tmp_path)
    found = pd.read_csv(tmp_path / "o.csv")["id"].tolist()
    assert found[0] == ("n1" if quotes is Quotes.QUOTED else '"n1"')
    assert "--quotes plain" in command("check", "t.tsv", cwd=tmp_path).stderr


def test_what_is_printed_survives_any_name(command, tmp_path):
    """`check` prints names of other encodings, as text and as JSON."""
    rows = "".join(f"{'C' * i},{i % 7}\n" for i in range(1, 40))
    (tmp_path / "t.csv").write_bytes(f"smiles,größe (µM)\n{rows}".encode("cp1252"))
    assert "größe (µM)" in command("check", "t.csv", cwd=tmp_path).stdout
    document = json.loads(command("check", "t.csv", "--json", cwd=tmp_path).stdout)
    assert list(document["labels"]) == ["größe (µM)"]


def test_features_of_hostile_tables(command, tmp_path):
    """`featurize` writes names and fields as Unicode, with a name for each column."""
    (tmp_path / "t.csv").write_bytes("sep=;\rsmiles;name;\rCCO;Säure;\r".encode("cp1252"))
    said = command("featurize", "t.csv", "f.parquet", "--preset", "fast", cwd=tmp_path).stderr
    table = pq.read_table(tmp_path / "f.parquet")
    assert table.column_names[:3] == ["smiles", "name", "Unnamed: 2"]
    assert table["name"].to_pylist() == ["Säure"]
    assert "read as Windows-1252" in said


def test_a_target_that_is_not_clear_lists_the_columns(tmp_path):
    """Those without a name are counted."""
    (tmp_path / "t.csv").write_text(",smiles,y,z\n1,CCO,1,2\n")
    with pytest.raises(DataError, match="the columns are smiles, y, z, 1 without a name"):
        load_dataset(tmp_path / "t.csv", Columns())


def test_row_names_of_r_are_carried_through(score, expected, tmp_path):
    """Each row has its own molecule, and R finds as many names in the header of the output as fields."""
    path = tmp_path / "r.tsv"
    rows = "".join(f'"{i}"\t"{smiles}"\t{i}\n' for i, smiles in enumerate(MOLECULES, 1))
    path.write_text(f'"smiles"\t"y"\n{rows}')
    said, content = score(path, to="o.tsv")
    scored = pd.read_csv(io.BytesIO(content), sep="\t", index_col=0)
    assert scored["smiles"].tolist() == MOLECULES
    assert scored["y"].tolist() == scored.index.tolist() == [1, 2, 3, 4, 5, 6]
    assert [f"{value}" for value in scored["P1_probability"]] == [f"{float(value)}" for value in expected]
    assert "their first field has no name" in said


def test_smi_files_with_a_header(score, expected, tmp_path):
    """The header of RDKit's SMI files is no molecule, in whichever shard a row is."""
    path = tmp_path / "t.smi"
    path.write_text("SMILES Name \n" + "".join(f"{smiles} m\n" for smiles in MOLECULES * 100))
    parts = [probabilities(score(path, "--shard", f"{i}/2", to=f"{i}.csv")[1]) for i in (1, 2)]
    assert [*parts[0], *parts[1]] == expected * 100


def test_rows_that_a_mark_would_lose_are_refused(servier, model_1, tmp_path):
    """A CSV with backslashes before quotation marks, as Spark writes it, costs one line and no row."""
    path = tmp_path / "spark.csv"
    path.write_text('name,smiles\n"5\\"",CCO\nx,CC\n"7\\"",CN\n')
    finished = servier("predict-file", path, tmp_path / "o.csv", "--model_path", model_1, status=1)
    problem = "line 2: a quotation mark opens here and never closes; close it, or double it"
    assert finished.stderr.startswith(f"Error: {path}, {problem}")
    assert not (tmp_path / "o.csv").exists()
