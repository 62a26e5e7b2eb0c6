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
            type=click.Choice(["merge", "drop"]),
            help="Labels of duplicates that differ: majority or median, or no label.  [default: merge]",
        )
    )
    standardization: str | None = field(metadata=STANDARDIZATION)
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
    return Options(model_name=model_name, workers=worker_processes(workers), **chosen), file.recipe
