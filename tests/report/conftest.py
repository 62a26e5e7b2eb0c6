import csv

import pytest

from servier.data.simulation import simulate

HOSTILE = '"><script>window.hit = 1</script>'


@pytest.fixture(scope="session")
def evaluated(command, once, simulated, model_1):
    """Model 1 evaluated on the rows that training held out; the folder."""

    def fill(folder):
        command(
            "evaluate", "--data_dir", simulated.parent, "--model_path", model_1, "--output_dir", folder,
            "--resamples", 50, "--workers", 1,
        )  # fmt: skip

    return once("evaluated", fill)


@pytest.fixture(scope="session")
def hostile(command, once, recipes):
    """A model of two targets, from a table full of markup, its card and its reports; the folder."""
    return once("hostile", lambda folder: make_hostile(command, recipes, folder))


def make_hostile(command, recipes, folder):
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
    command("train", *table, *model, "--config", recipes["1"], "--workers", 1)
    command("evaluate", *table, *model, "--output_dir", folder, "--resamples", 20, "--workers", 1)
    command("inspect", folder / "m.servier", "--html", folder / "card.html")
