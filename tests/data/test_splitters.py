import json
from dataclasses import replace

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem.Scaffolds import MurckoScaffold

from servier.chem.identity import parent_smiles
from servier.data.datasets import Dataset
from servier.data.folds import STRATEGIES
from servier.data.simulation import simulate
from servier.data.splitters import OF_COLUMN, cluster
from servier.errors import DataError
from servier.training.options import Options
from servier.training.rows import select_rows


@pytest.fixture(scope="module")
def table():
    """300 molecules, thirty of them twice, as a salt; with a year in the split column."""
    simulation = simulate(300, seed=21)
    smiles = [*simulation.smiles, *(f"{text}.Cl" for text in simulation.smiles[:30])]
    y = np.array([*simulation.labels, *simulation.labels[:30]], float)[:, None]
    years = [str(1990 + i % 30) for i in range(len(smiles))]
    n = len(smiles)
    return Dataset("t.csv", smiles, [""] * n, list(range(n)), ["P1"], ["binary"], y, years, "year")


def split(table, strategy):
    column = table.split if strategy in OF_COLUMN else None
    if strategy == "predefined":
        column = ["test" if i % 300 < 30 else "train" for i in range(len(table))]
    rows = select_rows(replace(table, split=column), Options(split=strategy, seed=1))
    assert rows.strategy == strategy
    return rows


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_molecule_is_on_both_sides(table, strategy):
    """Whatever the strategy, a molecule and its salt are together, and about a fifth is held out."""
    rows = split(table, strategy)
    train, test = ({parent_smiles(mol) for mol in mols} for mols in (rows.mols, rows.test_mols))
    assert not train & test
    assert 0.13 * len(table) < len(rows.test) < 0.27 * len(table)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_folds_keep_groups_whole(table, strategy):
    """In cross-validation too, the rows of a group are together."""
    rows = split(table, strategy)
    for fit, held_out in rows.folds(3, seed=0):
        assert not set(rows.groups[fit]) & set(rows.groups[held_out])


def test_scaffolds_are_not_shared(table):
    """RDKit finds no scaffold of a test molecule among those of the training molecules."""
    rows = split(table, "scaffold")
    train, test = (
        {MurckoScaffold.MurckoScaffoldSmiles(Chem.MolToSmiles(mol)) for mol in mols} - {""}
        for mols in (rows.mols, rows.test_mols)
    )
    assert not train & test


def test_groups_of_a_column_are_not_shared(table):
    """A year is on one side, but for a molecule that was there in an earlier one."""
    rows = split(table, "group")
    train, test = ({table.split[i] for i in part if i < 300} for part in (rows.train, rows.test))
    assert not train & test


def test_groups_are_alike_but_for_blanks_and_missing_ones_are_apart(table):
    """` A` is A; rows without a group do not make one together."""
    values = [("A", "A ", "\u00a0A", "NA", "N/A", "")[i % 6] for i in range(len(table))]
    rows = select_rows(replace(table, split=values), Options(split="group", test_fraction=0.0))
    found = {}
    for row, group in zip(rows.train, rows.groups, strict=True):
        found.setdefault(values[row].strip() == "A", []).append(group)
    assert len(set(found[True])) == 1
    assert len(set(found[False])) == len(found[False])


@pytest.mark.seconds
def test_random_rows_are_not_balanced_and_stratified_ones_are(table):
    """The share of label 1 among test rows scatters from seed to seed only where nothing balances it."""
    spread = {}
    for strategy in ("random", "stratified"):
        options = [Options(split=strategy, seed=seed) for seed in range(8)]
        tests = [select_rows(replace(table, split=None), option).test for option in options]
        spread[strategy] = np.std([table.y[test, 0].mean() for test in tests])
    assert spread["stratified"] < 0.01 < spread["random"]


def test_clusters_hold_similar_molecules(table):
    """Pairs from one cluster are more alike, by RDKit's Tanimoto similarity, than pairs from two."""
    mols = [Chem.MolFromSmiles(smiles) for smiles in table.smiles[:300]]
    numbers = cluster(mols, seed=0)
    assert numbers.tolist() == cluster(mols, seed=0).tolist()
    fps = [Chem.rdFingerprintGenerator.GetMorganGenerator(2).GetFingerprint(mol) for mol in mols]
    similarity = np.array([DataStructs.BulkTanimotoSimilarity(fp, fps) for fp in fps])
    is_same = numbers[:, None] == numbers
    is_other = ~np.eye(len(mols), dtype=bool)
    assert similarity[is_same & is_other].mean() > similarity[~is_same].mean() + 0.1


@pytest.mark.parametrize(
    ("strategy", "column", "message"),
    [
        ("time", None, "a split by time needs a column; name it with --split_column"),
        ("cluster", ["1"] * 330, "column year: a split by cluster does not read a column; leave out"),
        ("time", ["soon"] * 330, "column year: 'soon' is neither a number nor a date; write dates like"),
        (None, ["soon"] * 330, "column year: 'soon' is not a split; use train, valid and test, or --split"),
        (
            "time",
            ["1999", "2024-01-01"] * 165,
            "'1999' on line 0 is a number, and '2024-01-01' on line 1 a date",
        ),
    ],
)
def test_what_does_not_fit_is_one_clear_error(table, strategy, column, message):
    """The table, the column, what is wrong, and the hint."""
    data = replace(table, split=column, split_column=column and "year")
    with pytest.raises(DataError, match=rf"t\.csv.*{message}"):
        select_rows(data, Options(split=strategy))


def test_the_checkpoint_remembers_the_split(servier, simulated, recipes, tmp_path):
    """A split by time is asked for on the command line, and stands in the checkpoint."""
    lines = simulated.read_text().splitlines()
    dated = [f"{lines[0]},day", *(f"{line},2024-01-{1 + i % 28:02}" for i, line in enumerate(lines[1:]))]
    (tmp_path / "dated.csv").write_text("\n".join(dated) + "\n")
    servier(
        "train", "--dataset", tmp_path / "dated.csv", "--config", recipes["1"], "--split", "time",
        "--split-column", "day", "--model_path", tmp_path / "m.servier",
    )  # fmt: skip
    document = json.loads(servier("inspect", tmp_path / "m.servier", "--json").stdout)
    assert document["split"] == {"strategy": "time", "column": "day", "test_fraction": 0.2}
