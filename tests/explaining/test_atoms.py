import csv
import json
import math
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from molecules_for_tests import SMILES
from rdkit import Chem

from servier.checkpoint.file import open_checkpoint
from servier.chem.substructures import locate_atoms, write_substructure
from servier.chem.tokens import split_tokens
from servier.data.simulation import RULE, simulate
from servier.explaining.atoms import atom_contributions, explain
from servier.explaining.shapley import shapley_values
from servier.features.feature_set import FeatureSet
from servier.scoring.scorer import Scorer

TRAIN, TEST = 2600, 400
PATTERNS = [(Chem.MolFromSmarts(smarts), np.sign(weight)) for smarts, weight in RULE.values()]
ODD = ["[H]", "[H]O[H]", "[2H]C([2H])[2H]", "[H]c1ccccc1", "*", "C" * 300]
DRUG = "CS(=O)(=O)Nc1ccc(-c2ccc(F)cc2)cc1C(=O)NCc1ccncc1"


@pytest.fixture(scope="module")
def ruled(servier, tmp_path_factory):
    """A folder with simulated rows, a model 1 trained on most of them, and what evaluate says of it."""
    folder = tmp_path_factory.mktemp("ruled")
    simulation = simulate(TRAIN + TEST, seed=71)
    with (folder / "ruled.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["P1", "smiles", "split"])
        for i, row in enumerate(zip(simulation.labels, simulation.smiles, strict=True)):
            writer.writerow([*row, "train" if i < TRAIN else "test"])
    table = ["--dataset", folder / "ruled.csv", "--split_column", "split", "--workers", 1]
    servier("train", *table, "--preset", "fast", "--model_path", folder / "model.servier")
    model = ["--model_path", folder / "model.servier", "--resamples", 20]
    said = servier("evaluate", *table, *model, "--output_dir", folder).stdout
    return folder, [Chem.MolFromSmiles(smiles) for smiles in simulation.smiles[TRAIN:]], said


def signs_of_rule(mol):
    """For each atom that is in a pattern of the rule, the signs of the weights of these patterns."""
    signs = {}
    for pattern, sign in PATTERNS:
        for atom in {atom for match in mol.GetSubstructMatches(pattern) for atom in match}:
            signs.setdefault(atom, set()).add(sign)
    return signs


def test_the_largest_contribution_lies_in_the_rule(ruled):
    """In at least 80 of 100 unseen molecules the top atom is in a pattern of the rule and has its sign."""
    folder, mols, _ = ruled
    scorer = Scorer([open_checkpoint(folder / "model.servier")])
    chosen = [(mol, signs) for mol in mols if (signs := signs_of_rule(mol))][:100]
    chance = np.mean([len(signs) / mol.GetNumAtoms() for mol, signs in chosen])
    assert len(chosen) == 100
    assert chance < 0.35
    found = 0
    for mol, signs in chosen:
        contributions = atom_contributions(scorer, mol)[:, 0]
        top = int(np.argmax(np.abs(contributions)))
        found += np.sign(contributions[top]) in signs.get(top, ())
    assert found >= 80


def test_evaluate_measures_importance(ruled):
    """Fragments that lower the score most have the sulfur of the rule; metrics.json has fifteen of each."""
    folder, _, said = ruled
    importance = json.loads((folder / "metrics.json").read_text())["importance"]["P1"]
    assert len(importance["fragments"]) == 15
    assert len(importance["features"]) == 15
    assert importance["blocks"][0]["name"] == "morgan_count"
    best = importance["fragments"][:5]
    assert any(row["contribution"] < 0 for row in best)
    assert all("S" in row["name"] for row in best if row["contribution"] < 0)
    assert "feature  " in said
    assert best[0]["name"] in said


def test_evaluate_names_tokens_of_model_2(servier, simulated, model_2, tmp_path):
    """The importance of model 2 is that of tokens and fragments."""
    servier(
        "evaluate", "--data_dir", simulated.parent, "--model_path", model_2, "--resamples", 20,
        "--workers", 1, "--output_dir", tmp_path,
    )  # fmt: skip
    importance = json.loads((tmp_path / "metrics.json").read_text())["importance"]["P1"]
    assert set(importance) == {"tokens", "fragments"}
    assert {"c", "C", "N"} <= {row["name"] for row in importance["tokens"]}


@pytest.mark.parametrize("model_name", ["1", "2"])
def test_contributions_add_up_to_the_score(servier, model_1, model_2, model_name):
    """Contributions and the score with all atoms masked are the log-odds of the predicted probability."""
    paths = ["--model_1_path", model_1, "--model_2_path", model_2, "--model_name", model_name]
    document = json.loads(servier("explain", DRUG, *paths, "--json").stdout)
    total = document["all_atoms_masked"] + sum(atom["contribution"] for atom in document["atoms"])
    probability = document["P1_probability"]
    assert total == pytest.approx(math.log(probability / (1 - probability)), abs=1e-4)
    assert sorted(atom["index"] for atom in document["atoms"]) == list(range(28))
    assert bool(document["substructures"]) == (model_name == "1")


def test_the_consensus_is_the_mean(model_1, model_2):
    """A contribution to the consensus is the mean of those to both models, in which model 1 counts twice."""
    mol = Chem.MolFromSmiles(DRUG)
    models = [open_checkpoint(model_1), open_checkpoint(model_2)]
    first, second = (atom_contributions(Scorer([model]), mol) for model in models)
    assert np.allclose(atom_contributions(Scorer(models), mol), (2 * first + second) / 3)


@pytest.mark.training
@pytest.mark.parametrize("model", ["model_1", "model_2"])
def test_the_order_of_atoms_changes_nothing(model, request):
    """Contributions do not depend on how the SMILES was written, and symmetric atoms have equal ones."""
    scorer = Scorer([open_checkpoint(request.getfixturevalue(model))])
    mol = Chem.MolFromSmiles(DRUG)
    order = np.random.default_rng(1).permutation(mol.GetNumAtoms()).tolist()
    renumbered = Chem.RenumberAtoms(mol, order)
    expected = atom_contributions(scorer, mol)
    assert np.allclose(atom_contributions(scorer, renumbered), expected[order], atol=1e-5)
    assert np.ptp(atom_contributions(scorer, Chem.MolFromSmiles("c1ccccc1"))) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("smiles", [*SMILES, *ODD])
def test_odd_molecules_are_explained(smiles, model_1, model_2):
    """Single atoms, salts, isotopes, explicit hydrogens, dummies and long chains are explained."""
    found = explain(Scorer([open_checkpoint(model_1), open_checkpoint(model_2)]), Chem.MolFromSmiles(smiles))
    assert len(found.contributions) == found.mol.GetNumAtoms()
    assert np.isfinite([*found.contributions, found.base_value]).all()


def test_the_command_says_the_largest_first(servier, model_1, tmp_path):
    """The table begins with the largest contribution; no file is written unless asked for."""
    said = servier("explain", DRUG, "--model_1_path", model_1, cwd=tmp_path).stdout
    rows = said.split("atom  symbol  contribution\n")[1].split("\n\n")[0].splitlines()
    assert rows.pop() == f"and {Chem.MolFromSmiles(DRUG).GetNumAtoms() - 12} more, which --json prints"
    sizes = [abs(float(row.split()[2])) for row in rows]
    assert len(sizes) == 12
    assert sizes == sorted(sizes, reverse=True)
    assert "substructure of model 1" in said
    assert list(tmp_path.iterdir()) == []


def test_the_picture_colours_every_atom(servier, model_1, model_2, tmp_path):
    """The SVG is well-formed, colours each atom, and its title has the probability."""
    paths = ["--model_1_path", model_1, "--model_2_path", model_2, "--model_name", "consensus"]
    said = servier("explain", DRUG, *paths, "--output", tmp_path / "drug.svg", "--json").stdout
    picture = ET.parse(tmp_path / "drug.svg").getroot()
    coloured = {e.get("class") for e in picture.iter("{http://www.w3.org/2000/svg}ellipse")}
    assert coloured == {f"atom-{i}" for i in range(28)}
    title = picture.find("{http://www.w3.org/2000/svg}title").text
    assert f"probability {json.loads(said)['P1_probability']:.3f} (consensus)" in title


def test_what_cannot_be_explained_is_said(servier, model_1, tmp_path):
    """A molecule that cannot be read gets the error of predict; a wrong target or file name its own."""
    path = ["--model_1_path", model_1]
    errors = [servier(command, "C1CC", *path, status=1).stderr for command in ("predict", "explain")]
    assert errors[0] == errors[1]
    assert "P1" in servier("explain", "CCO", *path, "--target", "P9", status=1).stderr
    assert ".svg" in servier("explain", "CCO", *path, "--output", tmp_path / "a.png", status=1).stderr


def test_shapley_values_of_simple_games():
    """An additive game gives each player its own payoff; where both players are needed, each gets half."""
    payoff = np.array([3.0, -1.0, 0.5])

    def add(players, _):
        masked = np.concatenate([[0], np.cumsum(payoff[players])])
        return (payoff.sum() - masked)[:, None]

    assert np.allclose(shapley_values(add, np.arange(3), 2)[:, 0], payoff)
    both = shapley_values(lambda players, _: np.eye(len(players) + 1)[:, :1], np.arange(2), 3)
    assert np.allclose(both[:, 0], 0.5)


@pytest.mark.parametrize("kind", ["morgan_count", "atom_pair_count", "torsion_count"])
def test_occurrences_are_what_is_counted(kind):
    """For every bin there are as many sets of atoms as RDKit counts."""
    (featurizer,) = FeatureSet([{"kind": kind}]).featurizers
    for mol in map(Chem.MolFromSmiles, SMILES):
        counts = {place: len(found) for place, found in featurizer.occurrences(mol).items()}
        assert counts == {int(place): featurizer(mol)[place] for place in featurizer(mol).nonzero()[0]}


def test_substructures_match_where_they_were_found():
    """Read as SMARTS, the text of a substructure is found by RDKit on the very atoms it was made of."""
    (featurizer,) = FeatureSet([{"kind": "morgan_count"}]).featurizers
    for mol in map(Chem.MolFromSmiles, [DRUG, *SMILES[4:16]]):
        for atoms in (atoms for found in featurizer.occurrences(mol).values() for atoms in found):
            pattern = Chem.MolFromSmarts(write_substructure(mol, atoms))
            inside = [atom.GetIdx() for atom in pattern.GetAtoms() if atom.GetAtomicNum()]
            matches = mol.GetSubstructMatches(pattern, uniquify=False, maxMatches=10_000)
            assert any({match[i] for i in inside} == set(atoms) for match in matches)


def test_tokens_belong_to_their_atoms():
    """In every randomized SMILES the token of an atom shows its element."""
    for mol in map(Chem.MolFromSmiles, SMILES):
        for text, places in locate_atoms(mol, 6, 0):
            tokens = split_tokens(text)
            for atom in mol.GetAtoms():
                token = Chem.MolFromSmiles(tokens[places[atom.GetIdx()]], sanitize=False)
                assert token.GetAtomWithIdx(0).GetSymbol() == atom.GetSymbol()
