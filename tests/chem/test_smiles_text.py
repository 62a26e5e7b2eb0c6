"""What stands in a SMILES string and is no chemistry: foreign characters, and atom map numbers."""

import csv
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from molecules_for_tests import SMILES
from rdkit import Chem

from servier.chem.identity import identity_hashes, scaffold_smiles
from servier.chem.molecules import InvalidMolecule, Status, parse_smiles
from servier.chem.smiles_text import remove_map_numbers, trim
from servier.chem.spelling import augmented_smiles
from servier.features.feature_set import FeatureSet
from servier.features.registry import PRESETS

INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00a0\u00ad\u200e\u202f\u3000 \t\r\n"
FOREIGN = st.characters(exclude_categories=["Cs"]).filter(
    lambda c: not " " <= c <= "~" and not c.isspace() and unicodedata.category(c)[0] != "Z"
)


@given(FOREIGN, st.sampled_from(["c1ccccc1", "CC", "CC(=O)O"]), st.integers(0, 7))
def test_a_foreign_character_is_refused_wherever_it_stands(character, smiles, position):
    """It is named; at the ends what nobody sees is left out, and the rest is what it was without."""
    text = smiles[:position] + character + smiles[position:]
    found = parse_smiles(text)
    if text != trim(text):
        assert Chem.MolToSmiles(found) == Chem.CanonSmiles(smiles)
        assert unicodedata.category(character) == "Cf"
        return
    assert found.status == Status.INVALID
    assert repr(character) in found.reason


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("c1ccccc1\u0421", "CYRILLIC CAPITAL LETTER ES"),
        ("CC\uff2f", "FULLWIDTH LATIN CAPITAL LETTER O"),
        ("CC\udce9", "byte 0xE9"),
        ("CC\x00O", r"character '\x00' (U+0000)"),
        ("CC\nO", r"character '\n' (U+000A)"),
        ("CCO |$\u0421;;$|", "CYRILLIC"),
    ],
)
@pytest.mark.parametrize("constitution_only", [False, True])
def test_the_character_is_named(text, named, constitution_only):
    """Letters that look alike have different names; bytes of another encoding are bytes."""
    found = parse_smiles(text, constitution_only=constitution_only)
    assert isinstance(found, InvalidMolecule)
    assert named in found.reason


@given(st.text(INVISIBLE, max_size=4), st.text(INVISIBLE, max_size=4))
def test_what_nobody_sees_at_the_ends_is_left_out(before, after):
    """Marks that come with copied text do not cost a molecule."""
    assert Chem.MolToSmiles(parse_smiles(f"{before}CCO{after}")) == "CCO"


def test_strings_cut_or_mistyped_by_programs(case):
    """Rows with a foreign character are invalid, but for the one that nobody sees; the others are read."""
    with (case(1) / "in.csv").open(encoding="utf-8") as file:
        found = {row["id"]: parse_smiles(row["smiles"]) for row in csv.DictReader(file)}
    readable = {row for row, mol in found.items() if not isinstance(mol, InvalidMolecule)}
    assert readable == {"4", "8", "9", "10"}


def mapped(mol):
    """The SMILES string of a molecule with a map number at each atom."""
    copy = Chem.Mol(mol)
    for atom in copy.GetAtoms():
        atom.SetAtomMapNum(7 * atom.GetIdx() % copy.GetNumAtoms() + 1)
    return Chem.MolToSmiles(copy)


@pytest.mark.parametrize("smiles", SMILES)
@pytest.mark.parametrize("constitution_only", [False, True])
def test_map_numbers_change_nothing(smiles, constitution_only):
    """A molecule whose atoms are numbered is the plain one for identity, scaffold, tokens and features."""
    plain = parse_smiles(smiles)
    numbered = parse_smiles(mapped(plain), constitution_only=constitution_only)
    if not constitution_only:
        assert identity_hashes(numbered) == identity_hashes(plain)
        assert scaffold_smiles(numbered) == scaffold_smiles(plain)
        assert augmented_smiles(numbered, 4, seed=1) == augmented_smiles(plain, 4, seed=1)
    assert not any(atom.GetAtomMapNum() for atom in numbered.GetAtoms())
    features = FeatureSet(PRESETS["fast"])
    np.testing.assert_allclose(features([numbered]).X, features([plain]).X, rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("[CH3:1][OH:0]", "CO"),
        ("[2H:1]C", "[2H]C"),
        ("[H:3][CH2:4]C", "CC"),
        ("[NH4+:2]", "[NH4+]"),
        ("[*:1]c1ccccc1", "*c1ccccc1"),
        ("[CH3:1][C@@H:5](O)[CH3:2]", "CC(C)O"),
        ("C[C@@H:5](O)N", "C[C@@H](O)N"),
        ("CCO |atomProp:0.molAtomMapNumber.3|", "CCO"),
        ("C:C", "C:C"),
    ],
)
def test_map_numbers_of_any_atom_are_removed(text, plain):
    """Isotopes, charges, hydrogens, dummies and centres keep all that is chemistry."""
    assert Chem.MolToSmiles(parse_smiles(text)) == Chem.MolToSmiles(parse_smiles(plain))


@pytest.mark.parametrize("text", ["[C:]C", "[C:a]C", "[CH3:1:2]", "[:1]", "C:1C", "[CH3:-1]"])
def test_what_is_no_map_number_stays_refused(text):
    """Damaged brackets are not repaired."""
    assert isinstance(parse_smiles(text), InvalidMolecule)


def test_numbered_copies_are_the_same_molecules(case):
    """Of each molecule of a table all copies, numbered or not, are one."""
    with (case(9) / "pairs.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = {row["id"].rpartition("_")[0] for row in rows}
    hashes = {(row["id"].rpartition("_")[0], identity_hashes(parse_smiles(row["smiles"]))) for row in rows}
    assert len(hashes) == len(names)


@given(st.text("C[]:123H", max_size=12))
def test_nothing_else_is_removed(text):
    """A string without map numbers in brackets is left as it is."""
    found = remove_map_numbers(text)
    if found == text:
        return
    assert "]" in text
    assert len(found) < len(text)
    assert found.replace(":", "").count("[") == text.count("[")
