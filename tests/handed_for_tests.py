"""A table in which handedness decides, and models of it that see handedness or do not."""

import csv
import itertools

import pytest

CHAINS = ["C", "CC", "CCC", "CC(C)"]
CENTRES = ["[C@H](N)", "[C@@H](N)", "[C@H](O)", "[C@@H](O)"]
RINGS = ["c1ccccc1", "c1ccc(F)cc1", "c1ccc(C)cc1", "c1ccncc1", "c1ccsc1", "c1ccc(OC)cc1", "C1CCCCC1"]


@pytest.fixture(scope="session")
def handed(once):
    """A table in which only the handedness of a centre decides the label."""

    def fill(folder):
        parts = itertools.product(CHAINS, CENTRES, RINGS)
        rows = [(chain + centre + ring, int("@@" in centre)) for chain, centre, ring in parts]
        with (folder / "table.csv").open("w", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([("smiles", "label"), *rows])

    return once("handed", fill) / "table.csv"


@pytest.fixture(scope="session")
def handed_models(command, once, handed, recipes):
    """The paths of model 1 of both kinds, by the word of `--stereo`."""

    def fill(folder):
        for word in ("ignore", "use"):
            command(*training(handed, recipes), "--model_path", folder / f"{word}.servier", "--stereo", word)

    folder = once("handed models", fill)
    return {word: folder / f"{word}.servier" for word in ("ignore", "use")}


def training(table, recipes, model="1"):
    """The words of a training that takes seconds."""
    return ["train", "--dataset", table, "--target", "label", "--split", "random", "--config", recipes[model]]
