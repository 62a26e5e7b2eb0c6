"""A compound has one answer, however it is spelt, numbered, charged, and whatever salt or solvate it is."""

import csv
import gzip
import json
import random
from itertools import islice

import pyarrow.parquet as pq
import pytest
from compounds_for_tests import other_form
from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize
from server_for_tests import serving

from servier.data.simulation import simulate

AS_WRITTEN = {"group", "smiles", "scored_smiles", "standardization"}
AS_WRITTEN_COMPLEX = "metal complex, scored as written"
NO_PARENT = "there is nothing but single atoms, counter-ions or solvents"

pytestmark = pytest.mark.process


@pytest.fixture(scope="session")
def models(models_dir, command, once, simulated, recipes):
    """A checkpoint of each preset, and of model 2."""

    def fill(folder):
        words = ["train", "--data_dir", simulated.parent, "--config", recipes["1"], "--preset", "accurate"]
        command(*words, "--model_path", folder / "accurate.servier")

    accurate = once("accurate", fill) / "accurate.servier"
    one, two = models_dir / "model_1.servier", models_dir / "model_2.servier"
    return {"fast": [one], "accurate": [accurate], "2": [two], "consensus": [one, two]}


def write_forms(path, compounds, n, seed):
    """Write a table with each compound as it is, and in so many other forms."""
    chance = random.Random(seed)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["group", "smiles"])
        for group, smiles in enumerate(compounds):
            writer.writerow([group, smiles])
            writer.writerows([group, other_form(smiles, chance)] for _ in range(n))


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def differing(rows):
    """The groups whose rows have different answers, with what was scored."""
    groups = {}
    for row in rows:
        answer = tuple(value for name, value in row.items() if name not in AS_WRITTEN)
        groups.setdefault(row["group"], {}).setdefault(answer, []).append(row["smiles"])
    return [list(answers.values()) for answers in groups.values() if len(answers) > 1]


def score(servier, source, target, paths, *options):
    models = [word for path in paths for word in ("--model_path", path)]
    servier("predict-file", source, target, *models, "--detail", *options)
    return rows_of(target)


@pytest.mark.training
@pytest.mark.parametrize("name", ["fast", "accurate", "2", "consensus"])
def test_all_forms_of_a_compound_have_one_answer(servier, models, tmp_path, name):
    """Everything that a row says is the same, but what was written and what was changed of it."""
    write_forms(tmp_path / "in.csv", simulate(60, seed=5).smiles, 4, name)
    rows = score(servier, tmp_path / "in.csv", tmp_path / "out.csv", models[name])
    assert {row["status"] for row in rows} == {"ok"}
    assert sum(bool(row["standardization"]) for row in rows) > 60
    assert differing(rows) == []


@pytest.mark.training
def test_all_commands_read_a_compound_alike(servier, models, models_dir, tmp_path):
    """`predict`, `explain`, `featurize` and the service answer as `predict-file` does."""
    source = tmp_path / "in.csv"
    write_forms(source, simulate(8, seed=6).smiles, 3, "commands")
    rows = score(servier, source, tmp_path / "out.csv", models["fast"])
    texts = [row["smiles"] for row in rows]
    assert differing(rows) == []
    servier("featurize", source, tmp_path / "f.parquet", "--preset", "fast")
    table = pq.read_table(tmp_path / "f.parquet").drop_columns(["smiles"])
    features = {(row["group"], json.dumps(row, default=str)) for row in table.to_pylist()}
    assert len(features) == 8
    scored = score(servier, tmp_path / "f.parquet", tmp_path / "from-features.csv", models["fast"])
    assert [row["P1_probability"] for row in scored] == [row["P1_probability"] for row in rows]
    with serving(models_dir) as server:
        answers = server.predict(texts)[1]["predictions"]
    assert [str(answer["P1_probability"]) for answer in answers] == [row["P1_probability"] for row in rows]
    for text, row in list(zip(texts, rows, strict=True))[:4]:
        words = [text, "--json", "--model_1_path", *models["fast"]]
        assert str(json.loads(servier("predict", *words).stdout)["P1_probability"]) == row["P1_probability"]
        explained = json.loads(servier("explain", *words).stdout)
        assert str(explained["P1_probability"]) == row["P1_probability"]
        assert explained.get("scored_smiles", "") == row["scored_smiles"]
        if row["scored_smiles"]:
            symbols = [atom.GetSymbol() for atom in Chem.MolFromSmiles(row["scored_smiles"]).GetAtoms()]
            assert [
                atom["symbol"] for atom in sorted(explained["atoms"], key=lambda atom: atom["index"])
            ] == symbols


@pytest.mark.training
def test_an_older_model_reads_molecules_as_they_are_written(servier, models, simulated, recipes, tmp_path):
    """With the level `none` a salt may have another answer, and no columns say what was changed."""
    path = tmp_path / "none.servier"
    words = ["--data_dir", simulated.parent, "--config", recipes["1"], "--model_path", path]
    servier("train", *words, "--standardization", "none")
    (tmp_path / "in.csv").write_text("group,smiles\n0,CC(=O)O\n0,CC(=O)O[Na]\n1,[Na+].[Cl-]\n")
    rows = score(servier, tmp_path / "in.csv", tmp_path / "none.csv", [path])
    assert [row["status"] for row in rows] == ["ok"] * 3
    assert "scored_smiles" not in rows[0]
    rows = score(servier, tmp_path / "in.csv", tmp_path / "parent.csv", models["fast"])
    assert [row["scored_smiles"] for row in rows] == ["", "CC(=O)O", ""]
    assert [row["standardization"] for row in rows] == [
        "", "metals disconnected; other fragments removed; neutralized", "",
    ]  # fmt: skip
    assert (rows[2]["status"], rows[2]["reason"]) == ("invalid", NO_PARENT)


@pytest.mark.data
@pytest.mark.parametrize("name", ["fast", "accurate", "2"])
@pytest.mark.parametrize("n", [100, pytest.param(500, marks=pytest.mark.exhaustive)])
def test_all_forms_of_public_molecules_have_one_answer(servier, models, real_data, tmp_path, name, n):
    """So many of a collection of odd ones, and four times as many of a library, but for metal complexes.

    Those are scored as they are written, with what stands beside them.
    """
    chance = random.Random(name)
    with gzip.open(real_data / "library" / "molecules_1.3m.csv.gz", "rt") as stream:
        library = [row["smiles"] for row in csv.DictReader(islice(stream, 100_000))]
    with gzip.open(real_data / "odd_smiles" / "pubchem_substances.smi.gz", "rt") as stream:
        odd = [line.split()[0] for line in islice(stream, 20_000) if line.strip()]
    drug_like = chance.sample([smiles for smiles in library if "." not in smiles], 4 * n)
    with rdBase.BlockLogs():
        readable = [smiles for smiles in chance.sample(odd, 2 * n) if Chem.MolFromSmiles(smiles)][:n]
    write_forms(tmp_path / "in.csv", [*drug_like, *readable], 3, name)
    rows = score(servier, tmp_path / "in.csv", tmp_path / "out.csv", models[name])
    complexes = {row["group"] for row in rows if row["standardization"] == AS_WRITTEN_COMPLEX}
    assert len(complexes) < n / 20
    assert differing(row for row in rows if row["group"] not in complexes) == []


OTHER_CHOICE = {
    "FOSFOMYCIN TROMETHAMINE", "OXTRIPHYLLINE", "METHENAMINE HIPPURATE", "IOTHALAMATE MEGLUMINE",
    "CYSTEAMINE BITARTRATE", "TAFAMIDIS MEGLUMINE", "OLANZAPINE PAMOATE", "DEXTROAMPHETAMINE SACCHARATE",
    "IMIPRAMINE PAMOATE",  # RDKit takes what is larger, which is the counter-ion
    "ACRISORCIN", "SEVELAMER", "SEVELAMER CARBONATE", "OMEGA-3-CARBOXYLIC ACIDS",  # mixtures
}  # fmt: skip


@pytest.mark.data
@pytest.mark.parametrize("name", ["fast", "2"])
def test_approved_drugs_have_the_answers_of_their_parents(servier, models, real_data, tmp_path, name):
    """The parent is RDKit's, with the exceptions that are named; inorganic salts have none."""
    drugs = [row for row in rows_of(real_data / "drugs" / "approved_drugs.csv") if "." in row["smiles"]]
    assert len(drugs) == 968
    with (tmp_path / "in.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["group", "smiles"])
        for drug in drugs:
            parent = rdMolStandardize.ChargeParent(Chem.MolFromSmiles(drug["smiles"]))
            writer.writerow([drug["pref_name"], drug["smiles"]])
            writer.writerow([drug["pref_name"], Chem.MolToSmiles(parent)])
    rows = score(servier, tmp_path / "in.csv", tmp_path / "out.csv", models[name])
    without = {row["group"] for row in rows[::2] if row["status"] != "ok"}
    assert {row["reason"] for row in rows[::2] if row["group"] in without} == {NO_PARENT}
    assert not [
        drug for drug in drugs if drug["pref_name"] in without and "C" in drug["smiles"].replace("Cl", "")
    ]
    others = {first["group"] for first, second in zip(rows[::2], rows[1::2], strict=True)
              if first["group"] not in without and differing([first, second])}  # fmt: skip
    assert others == OTHER_CHOICE
    assert len(without) == 23
