import csv
import json

import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from servier.data.simulation import simulate

STEREO = ["C[C@H](N)c1ccc(Cl)cc1", "C[C@@H](O)c1ccncc1"]
MIRRORED = ["C[C@@H](N)c1ccc(Cl)cc1", "C[C@H](O)c1ccncc1"]


@pytest.fixture(scope="module")
def evaluated(command, once, recipes):
    """A table whose own split column tests on copies of its training rows, and what evaluate prints."""
    rows, planted = leaky_rows()

    def fill(folder):
        with (folder / "leaky.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        table = ["--dataset", folder / "leaky.csv", "--target", "y", "--split_column", "split"]
        model = ["--model_path", folder / "m.servier"]
        command("train", *table, *model, "--config", recipes["1"], "--standardization", "none")
        said = command("evaluate", *table, *model, "--output_dir", folder, "--resamples", 20).stdout
        (folder / "said.txt").write_text(said)

    folder = once("leaks", fill)
    return folder, rows, planted, (folder / "said.txt").read_text()


def leaky_rows():
    """The rows, and by line the kind of each planted one with the line that it comes from."""
    simulation = simulate(200, seed=31)
    rows = [
        {"smiles": smiles, "y": int(y), "split": "train" if i < 150 else "test"}
        for i, (smiles, y) in enumerate(zip(simulation.smiles, simulation.labels, strict=True))
    ]
    rows += [{"smiles": smiles, "y": 1, "split": "train"} for smiles in STEREO]
    planted = {}
    for i, kind in enumerate(["duplicate"] * 5 + ["salt_form"] * 5):
        smiles = Chem.MolToSmiles(Chem.MolFromSmiles(rows[i]["smiles"]), doRandom=True)
        planted[len(rows) + 2] = (kind, i + 2)
        rows.append({"smiles": smiles + ".Cl" * (kind == "salt_form"), "y": rows[i]["y"], "split": "test"})
    for i, smiles in enumerate(MIRRORED):
        planted[len(rows) + 2] = ("stereoisomer", 202 + i)
        rows.append({"smiles": smiles, "y": 1, "split": "test"})
    return rows, planted


def test_every_planted_copy_is_found_and_named(evaluated):
    """Each planted row is in leaks.csv with its kind and the training row that it comes from."""
    folder, _, planted, said = evaluated
    found = {
        int(row["line"]): (row["kind"], int(row["train_line"]))
        for row in csv.DictReader((folder / "leaks.csv").open())
    }
    assert {line: kind for line, kind in found.items() if line in planted} == planted
    assert {kind for line, (kind, _) in found.items() if line not in planted} <= {"near_duplicate"}
    assert "5 duplicates" in said
    assert "5 salt forms, 2 stereoisomers" in said


def test_near_duplicates_are_those_of_rdkit(evaluated):
    """Overlap is reported exactly for planted rows and where RDKit finds a training row at 0.9 or above."""
    folder, rows, planted, _ = evaluated
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    fps = [generator.GetFingerprint(Chem.MolFromSmiles(row["smiles"])) for row in rows]
    train = [fp for fp, row in zip(fps, rows, strict=True) if row["split"] == "train"]
    near = {
        line
        for line, (fp, row) in enumerate(zip(fps, rows, strict=True), start=2)
        if row["split"] == "test" and max(DataStructs.BulkTanimotoSimilarity(fp, train)) >= 0.9
    }
    found = {int(row["line"]) for row in csv.DictReader((folder / "leaks.csv").open())}
    assert found == near | set(planted)


def test_scores_are_told_by_similarity(evaluated):
    """The ranges of similarity hold all scored rows, each once."""
    folder, _, _, said = evaluated
    document = json.loads((folder / "metrics.json").read_text())
    assert sum(found["rows"] for found in document["by_similarity"]["y"]) == document["counts"]["scored"]
    assert "nearest similarity  rows  auroc" in said


def test_a_clean_split_has_no_overlap(command, simulated, model_1):
    """Training holds out no molecule that is also trained on, in whatever salt form."""
    document = json.loads(
        command(
            "evaluate", "--data_dir", simulated.parent, "--model_path", model_1, "--resamples", 20, "--json"
        ).stdout
    )
    assert set(document["leakage"]["counts"]) <= {"near_duplicate", "stereoisomer"}
