import csv
import gzip
import re
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from molecules_for_tests import SMILES, WITHOUT_PARENT
from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from servier.chem.identity import identity_hashes, parent_smiles, scaffold_smiles
from servier.chem.molecules import MAX_LENGTH, InvalidMolecule, SmilesRows, parse_all, parse_smiles
from servier.chem.smiles_text import trim
from servier.chem.spelling import augmented_smiles
from servier.features.feature_set import FeatureSet
from servier.features.registry import PRESETS


def tie(n_atoms):
    """A SMILES string of a chain in which each atom is also bound to the next but one."""
    atoms = ["*"] * n_atoms
    for i in range(n_atoms - 2):
        atoms[i] += str(i % 3 + 1)
        atoms[i + 2] += str(i % 3 + 1)
    return "".join(atoms)


def tangle(n_atoms):
    """A SMILES string of atoms that are all bound to each other."""
    pairs = [(i, j) for i in range(n_atoms) for j in range(i + 2, n_atoms)]
    numbers = {pair: f"%({number})" for number, pair in enumerate(pairs, start=1)}
    return "".join("*" + "".join(numbers[p] for p in pairs if i in p) for i in range(n_atoms))


@pytest.mark.parametrize("smiles", SMILES + WITHOUT_PARENT)
def test_reads_what_rdkit_reads(smiles):
    """A readable string gives RDKit's own molecule."""
    assert Chem.MolToSmiles(parse_smiles(f" {smiles}\n")) == Chem.MolToSmiles(Chem.MolFromSmiles(smiles))


def test_extended_smiles_are_read():
    """An extension behind white space belongs to the string, and RDKit reads it."""
    mol = parse_smiles("C[C@H](F)Cl |&1:1|")
    assert len(mol.GetStereoGroups()) == 1
    assert Chem.MolToSmiles(mol) == Chem.CanonSmiles("C[C@H](F)Cl")


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        ("", "empty", "no SMILES"),
        (" \t", "empty", "no SMILES"),
        ("C1CC", "invalid", "unclosed ring"),
        ("CCO)", "invalid", "position 4"),
        ("CC\u2013O", "invalid", "character '\u2013'"),
        ("CN(C)(C)C", "invalid", "valence"),
        ("C CCCCC", "invalid", "white space after 'C'"),
        ("CCO\tethanol", "invalid", "white space after 'CCO'"),
        ("c1cccn1", "invalid", "kekulize"),
        ("C" * 501, "too_large", "501 heavy atoms"),
        ("*" * 501, "too_large", "501 atoms"),
        ("C" + "C([2H])([2H])" * 200, "too_large", "601 atoms"),
        (tie(450), "too_large", "897 bonds, the limit is 750"),
        (tangle(28), "too_large", "255528 paths of three bonds, the limit is 6750"),
        (tangle(10), "too_large", "2880 paths of three bonds, the limit is 1350"),
        ("*" + "(*)" * 300, "too_large", "an atom of valence 300, the limit is 32"),
        ("*" + "($*)" * 40, "invalid", "more bonds, hydrogen or charge at an atom than RDKit can count"),
        ("C" * (MAX_LENGTH + 1), "too_large", f"{MAX_LENGTH + 1} characters"),
    ],
)
def test_refusal_is_a_value_with_a_reason(text, status, reason, capfd):
    """What cannot be scored has a status and says why, and RDKit is silent."""
    problem = parse_smiles(text)
    assert isinstance(problem, InvalidMolecule)
    assert problem.status == status
    assert reason in problem.reason
    assert capfd.readouterr() == ("", "")


def test_rows_are_read_in_silence(capfd):
    """Of many rows each one refused has its own reason, and RDKit is silent before and after it."""
    texts = ["CCO", "C1CC", "[H]", "CCO)", "c1cccn1", "[He][H]", "CN(C)(C)C", "C1CC"]
    found = list(SmilesRows([(text, None) for text in texts]))
    assert [mol for mol in found if isinstance(mol, InvalidMolecule)] == [
        mol for mol in parse_all(texts) if isinstance(mol, InvalidMolecule)
    ]
    assert capfd.readouterr() == ("", "")


def test_limit_of_atoms_is_inclusive():
    """The largest accepted molecule has exactly the limit."""
    assert not isinstance(parse_smiles("CCC", max_atoms=3), InvalidMolecule)
    assert isinstance(parse_smiles("CCCC", max_atoms=3), InvalidMolecule)


FULLERENE = (
    "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%10c5c5c1c1c6c6c%11c2c2c7c3"
    "c3c8c4c4c9c5c1c1c6c2c3c41"
)
ICOSAHEDRON = "S1234S567S189S21%10S32%11S453S%1145S%102%11S912S781S634S12%115"
CAGES = {
    "fullerenes": ".".join([FULLERENE] * 8),
    "ferrocenes": ".".join(["C12C3C4C5C1[Fe]23451678C9C1C6C7C89"] * 20),
    "icosahedra": ".".join([ICOSAHEDRON] * 12),
}


@pytest.mark.parametrize("smiles", CAGES.values(), ids=CAGES)
def test_cages_and_metal_complexes_are_accepted(smiles):
    """The limits of bonds and neighbours are beyond chemistry, however large a cage is."""
    assert not isinstance(parse_smiles(smiles), InvalidMolecule)


@pytest.mark.parametrize("smiles", SMILES + WITHOUT_PARENT)
def test_constitution_is_the_same(smiles):
    """A molecule of which only the constitution is read has RDKit's atoms, bonds and rings."""
    found, expected = parse_smiles(smiles, constitution_only=True), Chem.MolFromSmiles(smiles)
    assert flat(found) == flat(expected)
    assert FeatureSet(PRESETS["fast"]).constitution_only
    features = FeatureSet(PRESETS["fast"])
    np.testing.assert_array_equal(features([found]).X, features([expected]).X)


def flat(mol):
    """The constitution of a molecule."""
    atoms = [
        (
            a.GetAtomicNum(),
            a.GetFormalCharge(),
            a.GetTotalNumHs(),
            a.GetIsAromatic(),
            a.GetIsotope(),
            a.IsInRing(),
        )
        for a in mol.GetAtoms()
    ]
    bonds = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx(), b.GetBondType(), b.IsInRing()) for b in mol.GetBonds()]
    return atoms, bonds


def test_constitution_of_real_molecules_is_the_same(real_data):
    """The features of two thousand molecules of the library do not depend on how they are read."""
    with gzip.open(real_data / "library" / "molecules_1.3m.csv.gz", "rt") as stream:
        smiles = [row["smiles"] for row in islice(csv.DictReader(stream), 0, 1_300_000, 650)]
    features = FeatureSet(PRESETS["fast"])
    rows = [(text, None) for text in smiles]
    plain, quick = features(SmilesRows(rows)), features(SmilesRows(rows, constitution_only=True))
    np.testing.assert_array_equal(plain.X, quick.X)
    assert plain.problems == quick.problems


@given(st.text(max_size=60) | st.text("CNOc1()=#[]H+-2@/\\%. |", max_size=20))
def test_any_text_is_a_molecule_or_a_problem(text):
    """No string raises, and of printable ASCII without a name RDKit's own verdict is ours."""
    found = parse_smiles(text)
    assert (found if isinstance(found, InvalidMolecule) else None) == (
        quick if isinstance(quick := parse_smiles(text, constitution_only=True), InvalidMolecule) else None
    )
    trimmed = trim(text)
    expected = Chem.MolFromSmiles(trimmed) if re.fullmatch(r"[!-~]+([ \t]+\|[ -~\t]*)?", trimmed) else None
    is_readable = expected is not None and expected.GetNumAtoms() > 0
    assert isinstance(found, InvalidMolecule) == (not is_readable)


def test_parse_all_keeps_places():
    """One result for each input, in order."""
    found = parse_all(["C", "nope", "CC"])
    assert [isinstance(mol, InvalidMolecule) for mol in found] == [False, True, False]


@pytest.mark.parametrize("smiles", [s for s in SMILES + WITHOUT_PARENT if "." in s])
def test_parent_is_the_largest_fragment(smiles):
    """RDKit's fragment chooser agrees on the size of the parent."""
    chooser = rdMolStandardize.LargestFragmentChooser()
    expected = chooser.choose(Chem.MolFromSmiles(smiles))
    found = Chem.MolFromSmiles(parent_smiles(Chem.MolFromSmiles(smiles)))
    assert found.GetNumHeavyAtoms() == expected.GetNumHeavyAtoms()


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        ("OC(=O)c1ccccc1", "c1ccccc1C(O)=O", (True, True, True)),
        ("OC(=O)c1ccccc1", "c1ccccc1C(O)=O.[Na+]", (False, True, True)),
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", (False, False, True)),
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O.Cl", (False, False, True)),
        ("CCO", "CCN", (False, False, False)),
    ],
)
def test_hashes_tell_salt_forms_and_stereoisomers_apart(first, second, equal):
    """Another SMILES changes no hash, a salt the first, stereochemistry the first two."""
    a, b = (identity_hashes(Chem.MolFromSmiles(smiles)) for smiles in (first, second))
    assert tuple(x == y for x, y in zip(a, b, strict=True)) == equal


def test_scaffold_of_known_molecules():
    """Rings and linkers remain, side chains go, an open chain has no scaffold."""
    assert scaffold_smiles(Chem.MolFromSmiles("Cc1ccc(CCc2ccncc2)cc1")) == "c1ccc(CCc2ccncc2)cc1"
    assert scaffold_smiles(Chem.MolFromSmiles("CCCCO")) == ""


@pytest.mark.parametrize("smiles", SMILES + WITHOUT_PARENT)
def test_augmented_smiles_are_the_same_molecule_however_it_was_written(smiles):
    """Each of them reads as the molecule, and another SMILES of the input gives the same ones."""
    mol = Chem.MolFromSmiles(smiles)
    augmented = augmented_smiles(mol, 5, seed=1)
    rewritten = Chem.MolFromSmiles(Chem.MolToRandomSmilesVect(mol, 1, randomSeed=7)[0])
    assert {Chem.CanonSmiles(text) for text in augmented} == {Chem.MolToSmiles(mol)}
    assert augmented_smiles(rewritten, 5, seed=1) == augmented


def test_randomized_smiles_differ_with_the_seed():
    """Another seed gives other random strings after the same canonical one."""
    mol = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")
    first, second = augmented_smiles(mol, 6, seed=1), augmented_smiles(mol, 6, seed=2)
    assert first[0] == second[0] == Chem.MolToSmiles(mol)
    assert first[1:] != second[1:]
