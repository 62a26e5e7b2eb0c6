import csv

import pytest

from servier.data.simulation import simulate

HOSTILE = '"><script>window.hit = 1</script>'


@pytest.fixture(scope="session")
def evaluated(servier, simulated, model_1, tmp_path_factory):
    """Model 1 evaluated by the real command on the rows that training held out; the folder."""
    folder = tmp_path_factory.mktemp("evaluated")
    servier(
        "evaluate", "--data_dir", simulated.parent, "--model_path", model_1, "--output_dir", folder,
        "--resamples", 50, "--workers", 1,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def hostile(servier, recipes, tmp_path_factory):
    """A model of two targets, from a table full of markup, its card and its reports; the folder."""
    folder = tmp_path_factory.mktemp("hostile")
    simulation = simulate(150, seed=8)
    rows = [
        {
            "id": f"<script>window.hit = {i}</script> \udcff".encode("utf-8", "replace").decode(),
            "smiles": f"{smiles} |$<script>window.hit = 2</script>$|",
            HOSTILE: int(label),
            "size": len(smiles) / 3,
            "split": "test" if i % 3 == 0 else "train",
        }
        for i, (smiles, label) in enumerate(zip(simulation.smiles, simulation.labels, strict=True))
    ]
    with (folder / "table.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    table = [
        "--dataset",
        folder / "table.csv",
        "--target",
        HOSTILE,
        "--target",
        "size",
        "--split_column",
        "split",
    ]
    model = ["--model_path", folder / "m.servier"]
    servier("train", *table, *model, "--config", recipes["1"], "--workers", 1)
    servier("evaluate", *table, *model, "--output_dir", folder, "--resamples", 20, "--workers", 1)
    servier("inspect", folder / "m.servier", "--html", folder / "card.html")
    return folder
