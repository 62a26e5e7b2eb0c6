"""The options of training, apart from the recipe."""

from dataclasses import dataclass
from typing import Any

from servier.chem.levels import Level, Stereo
from servier.features.registry import choose_features


@dataclass(frozen=True)
class Options:
    """The options of training, apart from the recipe.

    Parameters
    ----------
    model_name
        `1` or `2`.
    preset
        `fast` or `accurate`: the features of model 1.
    split, test_fraction
        How test rows are held out, one of `servier.data.folds.STRATEGIES`, and their share; 0 trains on all
        rows. The default is `predefined` if the data set has a split column, else `scaffold`.
    same_molecule, conflicts
        When training rows have the same molecule, and how different labels of it are resolved, as in
        `servier.data.duplicates`.
    standardization
        How far molecules are standardized, one of `servier.chem.levels.Level`.
    stereo
        Whether the fingerprints of model 1 tell stereoisomers apart, one of `servier.chem.levels.Stereo`.
        Model 2 always reads stereochemistry.
    reference
        A table of molecules, such as approved drugs; predictions then come with their percentile among them.
    seed, workers
        The seed, and the number of processes, on which the model does not depend.
    """

    model_name: str = "1"
    preset: str = "accurate"
    split: str | None = None
    test_fraction: float = 0.2
    same_molecule: str = "parent"
    conflicts: str = "merge"
    standardization: str = "parent"
    stereo: str = "ignore"
    reference: str | None = None
    seed: int = 0
    workers: int = 1

    @property
    def level(self) -> Level:
        """How far molecules are standardized."""
        return Level(self.standardization)

    @property
    def featurizers(self) -> list[dict[str, Any]]:
        """The specification of the features of model 1."""
        return choose_features(self.preset, Stereo(self.stereo))
