"""Options of training that recipes may set too."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from servier.cli.commands import option
from servier.cli.options import SPLITS, first, worker_processes
from servier.errors import ServierError

if TYPE_CHECKING:
    from servier.training.options import Options

SAME_MOLECULE = option(
    type=click.Choice(["parent", "canonical", "written"]),
    help="Which rows are the same molecule: equal without salts, as canonical SMILES, both of what is "
    "standardized, or as written.  [default: parent]",
)
STANDARDIZATION = option(
    type=click.Choice(["none", "parent", "isotope_parent", "tautomer"]),
    help="How far molecules are standardized: not at all; without salts, solvents and charges; without "
    "isotope labels too; their canonical tautomers.  [default: parent]",
)
STEREO = option(
    type=click.Choice(["ignore", "use"]),
    help="Whether the fingerprints of model 1 tell stereoisomers apart; model 2 always does.  "
    "[default: ignore]",
)

_MERGING = {"median": "merge"}
"""What checkpoints, also older ones, call a way of merging labels."""


@dataclass(frozen=True)
class ScaleOptions:
    """On which scale numbers are learnt, and what answers may not be beyond."""

    transform: tuple[str, ...] = field(
        metadata=option(
            multiple=True,
            metavar="[TARGET=]SCALE",
            help="The scale that numbers are learnt and answered on: pIC50 (-log10 of mol/L, of "
            "concentrations), log10 or none.  [default: none]",
        )
    )
    bounds: tuple[str, ...] = field(
        metadata=option(
            multiple=True,
            metavar="[TARGET=]LOW,HIGH",
            help="What no answer is beyond, such as 0,100 for a share in %, or 0, for one bound.  [default: "
            "0, for concentrations]",
        )
    )


@dataclass(frozen=True)
class SplitOptions:
    """Which rows are held out for testing, and what becomes of duplicates; None where nothing is said."""

    split: str | None = field(
        metadata=option(
            type=SPLITS,
            help="How test rows are held out: by Bemis-Murcko scaffolds; by clusters of fingerprints; at "
            "random, the classes balanced or not; as --split_column says (train, valid, test); its groups "
            "kept whole; or what is latest in it.  [default: scaffold, or predefined with --split_column]",
        )
    )
    test_fraction: float | None = field(
        metadata=option(
            type=click.FloatRange(0, 0.9), help="Share of rows held out; 0: none.  [default: 0.2]"
        )
    )
    same_molecule: str | None = field(metadata=SAME_MOLECULE)
    conflicts: str | None = field(
        metadata=option(
            "--replicates",
            "--conflicts",
            type=click.Choice(["median", "mean", "geometric", "worst", "drop", "merge"]),
            help="What several labels of one molecule become: their median, mean or geometric mean, of "
            "classes the majority; the worst, the highest value or label 1 (of negative logarithms the "
            "lowest); or none where they differ. merge is another name of median.  [default: median]",
        )
    )
    standardization: str | None = field(metadata=STANDARDIZATION)
    stereo: str | None = field(metadata=STEREO)
    seed: int | None = field(metadata=option(type=int, help="Seed of all randomness.  [default: 0]"))


def training_options(
    model_name: str, preset: str | None, splitting: SplitOptions, config: str | None, workers: int | None
) -> "tuple[Options, dict[str, Any]]":
    """Return how to train, and the fields of the recipe that differ from the defaults.

    What the command line says takes precedence over the recipe file.
    """
    from servier.training.options import Options
    from servier.training.recipes import RecipeFile, read_recipe

    if model_name == "2" and preset is not None:
        raise ServierError("model 2 reads SMILES strings, and has no presets", hint="leave out --preset")
    file = read_recipe(config, model_name) if config else RecipeFile()
    settings = file.settings
    chosen = {
        name: first(said, getattr(settings, name), default=getattr(Options, name))
        for name, said in {"preset": preset, **vars(splitting)}.items()
    }
    if model_name == "2" and chosen["stereo"] == "ignore":
        if splitting.stereo or settings.stereo:
            hint = "leave out --stereo, or take the stereochemistry out of the table"
            raise ServierError("model 2 always reads the stereochemistry of SMILES strings", hint=hint)
        chosen["stereo"] = "use"
    chosen["conflicts"] = _MERGING.get(chosen["conflicts"], chosen["conflicts"])
    return Options(model_name=model_name, workers=worker_processes(workers), **chosen), file.recipe
