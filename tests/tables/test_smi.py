"""SMI files: molecules with their extensions, and names as they are."""

import csv
import io

import pytest
from rdkit import Chem

from servier.tables.smi import SmiText
from servier.tables.text import DelimitedText


def read(content):
    return [record.fields for record in SmiText(io.BytesIO(content))]


@pytest.mark.parametrize(
    "line",
    ["CCO", "CCO ethanol", "CC |$R;$|", "CC |$R;$| a name", "CC\t|$R;$|\tname", "C[C@H](F)Cl |o1:1| x|y|z"],
)
def test_extensions_belong_to_the_molecule(line):
    """RDKit, which takes a whole line for a molecule and its name, is the oracle."""
    (smiles, name), *_ = read(line.encode())
    whole, alone = Chem.MolFromSmiles(line), Chem.MolFromSmiles(smiles)
    assert Chem.MolToCXSmiles(alone) == Chem.MolToCXSmiles(whole)
    assert name == (whole.GetProp("_Name") if whole.HasProp("_Name") else "")


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("CC |not closed", ["CC", "|not closed"]),
        ("CC |a|b", ["CC", "|a|b"]),
        ("CC\u00a0x y", ["CC\u00a0x", "y"]),
        ("CC  \u00a0 a\u2003b\u00a0", ["CC", "\u00a0 a\u2003b\u00a0"]),
        ('CC "quoted" name, with; all', ["CC", '"quoted" name, with; all']),
        ("\ufeffCC x", ["CC", "x"]),
    ],
)
def test_names_stay_untouched(line, fields):
    """Blanks and tabs separate, and nothing else does; a byte-order mark is no part of the molecule."""
    assert read(line.encode()) == [fields]


def test_cxsmiles_read_the_same_in_all_texts():
    """The molecule of a SMI file is that of a CSV file, quoted where it has to be."""
    molecules = ["CC |$R1;R2$|", "C[C@H](F)Cl |o1:1|", "CC |$a,b;$|"]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("smiles", "name"), *((text, "n") for text in molecules)])
    from_csv = [record.fields for record in DelimitedText(io.BytesIO(buffer.getvalue().encode()), "t.csv")]
    assert read("".join(f"{text} n\n" for text in molecules).encode()) == from_csv
