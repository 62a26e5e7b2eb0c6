"""The commands that go through whole files, for hours if need be."""

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from servier.cli.commands import argument, command, option
from servier.cli.dialects import DialectOptions
from servier.cli.forms import FormOptions
from servier.cli.options import (
    DEFAULT_MODEL_PATHS,
    FORCE,
    PRESETS,
    REQUIRE_SIGNATURE,
    SMILES_COLUMN,
    WORKERS,
    DetailOptions,
    trusted_keys,
    worker_processes,
)
from servier.cli.settings import STANDARDIZATION, STEREO

if TYPE_CHECKING:
    from servier.bulk.options import Options, ScoringOptions

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileOptions:
    """How to go through a file, whatever is done with its rows."""

    smiles_column: str | None = field(metadata=SMILES_COLUMN)
    text: DialectOptions
    columns: str | None = field(
        metadata=option(metavar="A,B,...", help="Columns of the input to carry over.  [default: all]")
    )
    max_atoms: int = field(
        metadata=option(
            type=click.IntRange(1), default=500, show_default=True, help="Largest molecule accepted."
        )
    )
    timeout: float = field(
        metadata=option(
            type=click.FloatRange(0.1),
            default=60.0,
            show_default=True,
            help="Seconds of processor time that one molecule may take.",
        )
    )
    shard: str | None = field(
        metadata=option(metavar="I/N", help="Take only the I-th of N slices; join them with: servier merge.")
    )
    restart: bool = field(
        metadata=option(is_flag=True, help="Forget an interrupted run instead of going on with it.")
    )
    summary: str | None = field(
        metadata=option(type=click.Path(dir_okay=False), help="Write a summary of the run, as JSON.")
    )
    force: bool = field(metadata=FORCE)
    workers: int | None = field(metadata=WORKERS)

    def options(self) -> "Options":
        """Return what the library wants to know."""
        from servier.bulk.options import Options, Shard

        columns = None if self.columns is None else self.columns.split(",")
        return Options(
            smiles_column=self.smiles_column,
            dialect=self.text.dialect(),
            columns=None if columns is None else tuple(name.strip() for name in columns),
            max_atoms=self.max_atoms,
            timeout=self.timeout,
            shard=None if self.shard is None else Shard.parse(self.shard),
            workers=worker_processes(self.workers),
        )


@dataclass(frozen=True)
class PredictFileOptions:
    """The options of `servier predict-file`."""

    source: str = field(metadata=argument(metavar="INPUT"))
    target: str = field(metadata=argument(metavar="OUTPUT"))
    model_paths: tuple[str, ...] = field(
        metadata=option(
            "--model_path",
            multiple=True,
            help="A checkpoint; given twice, the mean of both is taken, in which model 1 counts twice."
            f"  [default: {DEFAULT_MODEL_PATHS['1']}]",
        )
    )
    require_signature: str | None = field(metadata=REQUIRE_SIGNATURE)
    file: FileOptions
    n_smiles: int | None = field(
        metadata=option(
            type=click.IntRange(1),
            help="SMILES of a molecule that model 2 averages over (test-time augmentation).  "
            "[default: as trained]",
        )
    )
    details: DetailOptions
    forms: FormOptions
    top: int | None = field(
        metadata=option(
            type=click.IntRange(1), metavar="K", help="Write only the K rows with the highest scores."
        )
    )
    threshold: float | None = field(
        metadata=option(type=float, metavar="X", help="Write only rows with a score of at least X.")
    )
    rank_by: str | None = field(
        metadata=option(
            metavar="TARGET[=CLASS]",
            help="The target whose score --top and --threshold refer to, or the class whose probability."
            "  [default: the first target; of an ordinal one the mean class]",
        )
    )
    dry_run: bool = field(
        metadata=option(is_flag=True, help="Measure on a sample, and print what the whole run would take.")
    )

    def scoring_options(self) -> "ScoringOptions":
        """Return how the file is scored."""
        from servier.bulk.options import ScoringOptions

        return ScoringOptions(
            **vars(self.file.options()),
            n_smiles=self.n_smiles,
            confidences=self.details.confidences,
            stereoisomers=self.forms.stereoisomers,
            tautomers=self.forms.tautomers,
            top=self.top,
            threshold=self.threshold,
            rank_by=self.rank_by,
            keys=trusted_keys(self.require_signature),
        )


@command(PredictFileOptions)
def predict_file(given: PredictFileOptions) -> None:
    """Score every molecule of a file.

    INPUT is a CSV or TSV, SMI or SD file, plain or compressed (.gz, .zst), a Parquet file, the Parquet
    file of featurize, or - for stdin. OUTPUT is a CSV or TSV file, plain or compressed, a Parquet file, or -
    for stdout. It has one row for each input row, in the same order: all columns of the input, then the
    predictions, a status and a reason. It appears under its name when it is complete. To continue an
    interrupted run, run the same command again; of a complete one it leaves the file as it is. A file of this
    name that was not made from the same inputs and options is replaced only with --force.

    \b
    Examples:
      servier predict-file library.csv.gz scored.csv.gz --model_path models/model_1.servier
      servier predict-file library.smi best.csv --top 1000
      servier predict-file library.parquet part3.parquet --shard 3/16
    """
    from servier.bulk.commands import RunFiles, measure_file, score_file

    files = RunFiles(
        source=given.source,
        target=given.target,
        checkpoints=given.model_paths or (DEFAULT_MODEL_PATHS["1"],),
        summary=given.file.summary,
        force=given.file.force,
    )
    if given.dry_run:
        click.echo(measure_file(files, given.scoring_options()))
    else:
        score_file(files, given.scoring_options(), restart=given.file.restart)


@dataclass(frozen=True)
class FeaturizeOptions:
    """The options of `servier featurize`."""

    source: str = field(metadata=argument(metavar="INPUT"))
    target: str = field(metadata=argument(metavar="OUTPUT.parquet"))
    preset: str = field(
        metadata=option(type=PRESETS, default="accurate", show_default=True, help="Which features.")
    )
    standardization: str | None = field(metadata=STANDARDIZATION)
    stereo: str | None = field(metadata=STEREO)
    file: FileOptions


@command(FeaturizeOptions)
def featurize(given: FeaturizeOptions) -> None:
    """Compute the features of every molecule of a file.

    OUTPUT.parquet has one row for each row of INPUT, in the same order: all columns of INPUT, a status and a
    reason, and the features. train takes it with --dataset, and predict-file scores it. It appears under its
    name when it is complete. To continue an interrupted run, run the same command again; of a complete one it
    leaves the file as it is. Another file of this name is replaced only with --force.

    \b
    Examples:
      servier featurize data/dataset_single.csv results/features.parquet
      servier featurize library.csv.gz part3.parquet --preset fast --shard 3/16
    """
    from servier.bulk.commands import RunFiles
    from servier.bulk.commands import featurize as featurize_file
    from servier.bulk.options import FeaturizingOptions
    from servier.chem.levels import Stereo
    from servier.features.registry import choose_features

    files = RunFiles(given.source, given.target, summary=given.file.summary, force=given.file.force)
    standardization = given.standardization or FeaturizingOptions.standardization
    options = FeaturizingOptions(**vars(given.file.options()), standardization=standardization)
    featurizers = choose_features(given.preset, Stereo(given.stereo or Stereo.IGNORE))
    featurize_file(files, featurizers, options, restart=given.file.restart)


@dataclass(frozen=True)
class MergeOptions:
    """The options of `servier merge`."""

    output: str = field(metadata=argument(metavar="OUTPUT"))
    shards: tuple[str, ...] = field(metadata=argument(metavar="SHARD...", nargs=-1, required=True))
    force: bool = field(metadata=FORCE)


@command(MergeOptions)
def merge(given: MergeOptions) -> None:
    """Join the shards that predict-file or featurize wrote.

    All shards must be there, complete and of one run. OUTPUT is the file that a run without shards writes; a
    file of this name that was not made from these shards is replaced only with --force.

    \b
    Example:
      servier merge scored.csv.gz part1.csv.gz part2.csv.gz part3.csv.gz
    """
    from servier.bulk.merging import merge as merge_shards

    merged = merge_shards(given.output, given.shards, force=given.force)
    logger.info("%s rows of %s shards are in %s", merged.written, len(given.shards), given.output)
