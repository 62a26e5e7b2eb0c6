"""How to train, apart from the recipe."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How to train, apart from the recipe.

    Parameters
    ----------
    model_name
        `1` or `2`.
    preset
        `fast` or `accurate`: the features of model 1.
    split, test_fraction
        How rows are held out for testing, one of `servier.data.folds.STRATEGIES`, and which share; 0 trains
        on all rows. None stands for `predefined` where the data set has a split column, else for `scaffold`.
    same_molecule, conflicts
        Which training rows are of the same molecule, and what becomes of labels that differ: as in
        `servier.data.duplicates`.
    reference
        A table of molecules, such as approved drugs; answers then say where they stand among those for them.
    seed, workers
        The same seed gives the same model; the number of processes does not matter.
    """

    model_name: str = "1"
    preset: str = "accurate"
    split: str | None = None
    test_fraction: float = 0.2
    same_molecule: str = "parent"
    conflicts: str = "merge"
    reference: str | None = None
    seed: int = 0
    workers: int = 1
