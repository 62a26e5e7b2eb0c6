"""The answers for the stereoisomers and the tautomers of a molecule."""

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from rdkit import Chem, rdBase
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions
from rdkit.Chem.MolStandardize import rdMolStandardize
from runs_for_tests import stop_at

SMILES = [
    "CCC(N)c1ccccc1", "CC[C@H](N)c1ccccc1", "CC=CC(N)c1ccncc1", "OC(C)C(O)C(O)c1ccccc1", "CC(O)C(O)C",
    "CC1CCC(C)CC1", "CCO", "CC(=O)CC(C)=O", "Oc1ccccn1", "CC(N)C(=O)c1ccccc1", "O=c1[nH]cnc2[nH]cnc12",
    "CCC(O)CC(C)CC(F)Cl",
]  # fmt: skip
ALL = [*SMILES, "CCC(N)c1ccccc1.OC(=O)C(O)C(O)C(=O)O", "nonsense", ""]
FORMS = {"stereoisomers": 6, "tautomers": 4}
ASKED = ["--stereoisomers", 6, "--tautomers", 4]
STATISTICS = ("mean", "low", "high")


def write(path, smiles):
    path.write_text("\n".join(["id,smiles", *(f"{i},{text}" for i, text in enumerate(smiles))]) + "\n")
    return path


def read(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def score(command, handed_models, tmp_path):
    """Score SMILES with the model that sees handedness; returns the rows."""

    def run(smiles, *options):
        table, target = write(tmp_path / "in.csv", smiles), tmp_path / "out.csv"
        command("predict-file", table, target, "--model_path", handed_models["use"], "--force", *options)
        return read(target)

    return run


def enumerate_forms(kind, smiles):
    """The forms that RDKit gives of what the canonical SMILES of a molecule says."""
    mol = Chem.MolFromSmiles(Chem.MolToSmiles(Chem.MolFromSmiles(smiles)))
    if kind == "stereoisomers":
        options = StereoEnumerationOptions(maxIsomers=FORMS[kind], tryEmbedding=False)
        return [Chem.MolToSmiles(isomer) for isomer in EnumerateStereoisomers(mol, options)]
    enumerator = rdMolStandardize.TautomerEnumerator()
    enumerator.SetMaxTautomers(FORMS[kind])
    enumerator.SetMaxTransforms(200)
    with rdBase.BlockLogs():
        return list(enumerator.Enumerate(mol).smiles)


@pytest.mark.parametrize("kind", FORMS)
def test_answers_for_forms_are_those_of_their_smiles(score, kind):
    """RDKit's enumeration, each form scored as a row of its own, is the oracle."""
    found = score(SMILES, f"--{kind}", FORMS[kind])
    forms = [enumerate_forms(kind, smiles) for smiles in SMILES]
    assert max(map(len, forms)) == FORMS[kind]
    answers = [float(row["label_probability"]) for row in score([text for own in forms for text in own])]
    start = 0
    for row, own in zip(found, forms, strict=True):
        values = answers[start : start + len(own)]
        start += len(own)
        assert int(row[kind]) == len(own)
        expected = [np.mean(values), min(values), max(values)]
        said = [float(row[f"label_{kind}_{name}"]) for name in STATISTICS]
        assert said == pytest.approx(expected, abs=1e-6)
        if len(own) == 1:
            assert {row[f"label_{kind}_{name}"] for name in STATISTICS} == {row["label_probability"]}


def test_forms_add_columns_and_change_no_other(score):
    """The columns of a target stand with it, those of before keep their values, and rows their places."""
    plain, rows = score(ALL, "--detail"), score(ALL, "--detail", *ASKED)
    added = [f"label_{kind}_{name}" for kind in FORMS for name in STATISTICS]
    names = list(rows[0])
    assert names[names.index("label_set_90") + 1 :][: len(added)] == added
    assert names[names.index("unspecified_stereo") + 1 :] == [*FORMS, "status", "reason"]
    assert [{name: row[name] for name in plain[0]} for row in rows] == plain
    for row in rows:
        assert all(bool(row[name]) == (row["status"] == "ok") for name in [*added, *FORMS])
    free, salt = rows[0], rows[len(SMILES)]
    assert [free[name] for name in added] == [salt[name] for name in added]


def test_handedness_is_the_spread(score):
    """Of a molecule whose label depends on a centre that it leaves open the answers are far apart."""
    row, left = score(["CCC(N)c1ccccc1", "CC[C@H](N)c1ccccc1"], "--stereoisomers", 4)
    low, high = (float(row[f"label_stereoisomers_{side}"]) for side in ("low", "high"))
    assert high - low > 0.5
    assert row["label_stereoisomers_low"] == left["label_probability"] == left["label_stereoisomers_mean"]


def test_any_spelling_has_the_same_forms(score):
    """Also where they are a sample of many more."""
    large = "C(O)C(F)C(Cl)C(C)C(O)C(N)C(F)C(O)c1ccccc1"
    spelt = Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(large), 20, randomSeed=1)
    rows = score(sorted({large, *spelt}), *ASKED)
    cells = [[value for name, value in row.items() if name not in {"id", "smiles"}] for row in rows]
    assert cells == [cells[0]] * len(cells)
    assert rows[0]["stereoisomers"] == "6"


def test_a_molecule_that_is_too_large_has_no_tautomers(score):
    """What RDKit takes minutes for is left out, and the answer is there."""
    (row,) = score(["CC(=O)" + "C" * 160], "--tautomers", 4)
    assert row["status"] == "ok"
    assert {row[name] for name in ("tautomers", "label_tautomers_mean")} == {""}


def test_every_way_to_ask_has_the_same_forms(command, handed_models, score, tmp_path):
    """One molecule, as words and as JSON, a Parquet output, the best rows, and a file of features."""
    rows = score(SMILES, *ASKED)
    model = handed_models["use"]
    names = [f"label_{kind}_{name}" for kind in FORMS for name in STATISTICS]
    said = command("predict", SMILES[2], "--model_1_path", model, *ASKED, "--json").stdout
    answer = json.loads(said)
    assert [str(answer[name]) for name in [*names, *FORMS]] == [rows[2][name] for name in [*names, *FORMS]]
    said = command("predict", SMILES[2], "--model_1_path", model, *ASKED).stdout
    assert f"\nlabel_stereoisomers_mean: {answer['label_stereoisomers_mean']}\n" in said
    table, features = tmp_path / "in.csv", tmp_path / "features.parquet"
    command("featurize", table, features, "--preset", "fast", "--stereo", "use")
    words = ["--model_path", model, *ASKED]
    command("predict-file", features, tmp_path / "of features.csv", *words)
    assert read(tmp_path / "of features.csv") == rows
    command("predict-file", table, tmp_path / "out.parquet", *words)
    columns = pq.read_table(tmp_path / "out.parquet", columns=[*names, *FORMS])
    assert [[str(value) for value in row.values()] for row in columns.to_pylist()] == [
        [row[name] for name in [*names, *FORMS]] for row in rows
    ]
    command("predict-file", table, tmp_path / "best.csv", *words, "--top", 3)
    best = sorted(rows, key=lambda row: -float(row["label_probability"]))[:3]
    assert read(tmp_path / "best.csv") == best


def test_shards_and_interruptions_change_nothing(command, handed_models, tmp_path):
    """A run that goes on, and joined shards, have the bytes of the whole; with other forms it does not."""
    table = write(tmp_path / "in.csv", ALL * 6)
    words = ["--model_path", handed_models["use"], *ASKED]
    command("predict-file", table, tmp_path / "whole.csv.gz", *words)
    expected = (tmp_path / "whole.csv.gz").read_bytes()
    run = ["predict-file", table, tmp_path / "again.csv.gz", *words]
    assert stop_at(2, "after", command, *run)
    others = [*run[:-1], 5]
    assert "option tautomers was 4, now 5" in command(*others, status=1).stderr
    command(*run)
    assert (tmp_path / "again.csv.gz").read_bytes() == expected
    shards = [tmp_path / f"{i}.csv.gz" for i in (1, 2)]
    for i, shard in enumerate(shards, start=1):
        command("predict-file", table, shard, *words, "--shard", f"{i}/2")
    command("merge", tmp_path / "merged.csv.gz", *shards)
    assert (tmp_path / "merged.csv.gz").read_bytes() == expected


def test_a_slow_molecule_costs_its_own_row(servier, handed_models, tmp_path):
    """Hundreds of forms of a large molecule take longer than its time; with two processes as with one."""
    slow = "C" + "C(O)C(F)" * 60 + "C"
    table = write(tmp_path / "in.csv", [*SMILES, slow, *SMILES] * 2)
    words = ["--model_path", handed_models["use"], "--stereoisomers", 1000, "--timeout", 0.5]
    written = []
    for workers in (1, 2):
        target = tmp_path / f"{workers}.csv"
        servier("predict-file", table, target, *words, "--workers", workers)
        written.append(target.read_bytes())
    assert written[0] == written[1]
    rows = read(target)
    assert [row["status"] for row in rows if row["smiles"] == slow] == ["timeout"] * 2
    others = [row for row in rows if row["smiles"] != slow]
    assert {row["status"] for row in others} == {"ok"}
    assert all(row["label_stereoisomers_mean"] for row in others)


def test_forms_that_have_one_answer_are_refused(command, handed, handed_models, recipes, tmp_path):
    """A model that cannot tell them apart would only take its time."""
    words = ["predict", "CCO", "--model_1_path", handed_models["ignore"]]
    refused = command(*words, "--stereoisomers", 4, status=1).stderr
    assert (
        "the models ignore stereochemistry; leave out --stereoisomers, or train with --stereo use" in refused
    )
    command(*words, "--tautomers", 4)
    train = ["train", "--dataset", handed, "--target", "label", "--config", recipes["1"]]
    command(*train, "--standardization", "tautomer", "--split", "random", "--model_path", tmp_path / "m")
    refused = command("predict", "CCO", "--model_1_path", tmp_path / "m", "--tautomers", 4, status=1).stderr
    assert "the canonical one is scored; leave out --tautomers" in refused


def test_model_2_and_the_consensus_have_forms_too(command, model_1, model_2):
    """The mean of both is taken for each form; that of a molecule that is its only form is its answer."""
    plain = ["--model_1_path", model_1, "--model_2_path", model_2, "--json"]
    smiles, words = "CC(O)CC(=O)CC=CC", [*plain, *ASKED]
    for name in ("2", "consensus"):
        found = json.loads(command("predict", smiles, "--model_name", name, *words).stdout)
        for kind in FORMS:
            forms = enumerate_forms(kind, smiles)
            said = [command("predict", form, "--model_name", name, *plain).stdout for form in forms]
            answers = [json.loads(text)["P1_probability"] for text in said]
            assert [found[kind], found[f"P1_{kind}_low"]] == [len(forms), min(answers)]
            assert found[f"P1_{kind}_mean"] == pytest.approx(np.mean(answers), abs=1e-6)
            assert found[f"P1_{kind}_high"] == max(answers)
    found = json.loads(command("predict", "CCO", "--model_name", "consensus", *words).stdout)
    assert {found[f"P1_{kind}_{name}"] for kind in FORMS for name in STATISTICS} == {found["P1_probability"]}
