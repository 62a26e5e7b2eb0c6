import pytest

from servier.errors import DataError
from servier.tables import find_column, require_smiles_column, table_format, write_whole


@pytest.mark.parametrize("name", ["smiles", "SMILES", "Smile", "Drug", "canonical_smiles", "structure"])
def test_smiles_column_is_detected_in_any_case(name):
    """The usual names are found, whatever their case."""
    assert require_smiles_column(["x", name, "y"], None) == name


@pytest.mark.parametrize(
    ("columns", "name"),
    [(["a", "b"], None), (["structure", "Drug"], None), (["Smiles", "SMILES"], None), (["smiles"], "x")],
)
def test_ambiguous_table_lists_its_columns(columns, name):
    """Where the column is not clear, the error lists what there is."""
    with pytest.raises(DataError) as caught:
        require_smiles_column(columns, name)
    assert all(column in str(caught.value) for column in columns)


def test_only_column_needs_no_name():
    """A table of one column is a list of molecules."""
    assert require_smiles_column(["whatever"], None) == "whatever"


def test_named_column_is_found_in_another_case():
    """A name that differs only in case is meant."""
    assert find_column(["P1", "Mol"], "mol", (), "id") == "Mol"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a.csv", "csv"),
        ("a.b.CSV.gz", "csv"),
        ("a.parquet", "parquet"),
        ("a.smi.gz", "smi"),
        ("a.sdf", "sdf"),
    ],
)
def test_format_is_in_the_suffix(path, kind):
    """The last suffix decides, after .gz."""
    assert table_format(path) == kind


def test_failed_write_leaves_nothing(tmp_path):
    """When the body fails neither the file nor its temporary copy remains, and an old file stays."""
    path = tmp_path / "out.txt"
    path.write_text("old")

    def fail():
        with write_whole(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]
    assert path.read_text() == "old"
