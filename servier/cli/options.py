"""Options that several commands have, and what they stand for."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import click

from servier.cli.commands import option
from servier.cli.dialects import DialectOptions
from servier.cli.extras import require_extra
from servier.cli.label_options import class_orders, require_learnt, require_of_task
from servier.errors import ServierError

if TYPE_CHECKING:
    from servier.checkpoint.file import Checkpoint
    from servier.checkpoint.signatures import TrustedKeys
    from servier.checkpoint.target import Target
    from servier.cli.settings import ScaleOptions
    from servier.data.datasets import Dataset
    from servier.evaluation.bootstrap import Resampling

Value = TypeVar("Value")

DEFAULT_MODEL_PATHS = {"1": "models/model_1.servier", "2": "models/model_2.servier"}
MODELS = click.Choice(["1", "2"])
ASKED_MODELS = click.Choice([*MODELS.choices, "consensus"])
PRESETS = click.Choice(["fast", "accurate"])
SPLITS = click.Choice(["scaffold", "cluster", "stratified", "random", "predefined", "group", "time"])

SMILES_COLUMN = option(metavar="NAME", help="Column with the SMILES strings.  [default: detected]")
TARGETS = option(
    "--target",
    multiple=True,
    metavar="COLUMN",
    help="Column to predict; repeatable; all: every other column with labels.  [default: P1]",
)
POSITIVE = option(
    multiple=True,
    metavar="WORD",
    help="The label that counts as 1, beside another that counts as 0; repeatable, for several targets.  "
    "[default: active, positive, pos, true, yes, t, y, +, or toxic beside non-toxic]",
)
CLASSES = option(
    multiple=True,
    metavar="A,B,C",
    help="With --task ordinal or multiclass, the classes, the lowest first; repeatable, for several targets."
    "  [default: numbers by size; of words, the order of such as low, medium, high]",
)
UNIT = option(
    multiple=True,
    metavar="[TARGET=]UNIT",
    help="Unit of the labels, such as nM, uM, mg/L or pIC50; of a table with a column of units the one that "
    "all are converted to.",
)
UNIT_COLUMN = option(
    "--unit_column",
    multiple=True,
    metavar="[TARGET=]NAME",
    help="Column with the unit of each label; repeatable, one for each target; none: no column.  [default: "
    "detected, such as units, IC50_units, Standard Units]",
)
RELATION_COLUMN = option(
    "--relation_column",
    multiple=True,
    metavar="[TARGET=]NAME",
    help="Column that says which labels are bounds (>, <, =); repeatable, one for each target; none: no "
    "column.  [default: detected, such as Standard Relation]",
)
WEIGHT_COLUMN = option(
    metavar="NAME",
    help="Column with the weight of each row in training: one of weight 2 teaches as much as two equal rows, "
    "one of weight 0 nothing.",
)
ID_COLUMN = option(metavar="NAME", help="Column with the identifiers.  [default: detected]")
PRESET = option(type=PRESETS, help="Features of model 1.  [default: accurate]")
WORKERS = option(decides=False, type=click.IntRange(1), help="Number of processes.  [default: all cores]")
HTML = option(
    decides=False,
    type=click.Path(dir_okay=False),
    help="Also write the result to this file, as a web page.",
)
JSON = option("--json", decides=False, is_flag=True, help="Print JSON, for machines.")
REFERENCE = option(
    decides=False,
    type=click.Path(exists=True, dir_okay=False),
    help="A table of molecules, such as approved drugs; --detail then gives the percentile of an answer "
    "among theirs.",
)
REQUIRE_SIGNATURE = option(
    decides=False,
    type=click.Path(exists=True, dir_okay=False),
    metavar="KEYS",
    help="A file of public keys: only a checkpoint that was signed with one of them is used.",
)
FORCE = option(
    decides=False,
    is_flag=True,
    help="Replace files that exist already, whatever they were made from.",
)


@dataclass(frozen=True)
class TableOptions:
    """Which labelled table is meant, and which of its columns."""

    data_dir: str = field(
        metadata=option(
            decides=False,
            type=click.Path(file_okay=False),
            default="data",
            show_default=True,
            help="Path to the data directory.",
        )
    )
    dataset: str | None = field(
        metadata=option(
            decides=False,
            type=click.Path(dir_okay=False),
            help="Any labelled table (CSV, Parquet, SDF, ...), instead of --data_dir.",
        )
    )
    targets: tuple[str, ...] = field(metadata=TARGETS)
    smiles_column: str | None = field(metadata=SMILES_COLUMN)
    id_column: str | None = field(metadata=ID_COLUMN)
    split_column: str | None = field(
        metadata=option(metavar="NAME", help="Column that says train, valid or test, or what --split needs.")
    )
    task: str | None = field(
        metadata=option(
            type=click.Choice(["binary", "regression", "multiclass", "ordinal"]),
            help="What is learnt: two classes, values, three or more classes, or such in an order.  "
            "[default: binary or regression, by the labels]",
        )
    )
    classes: tuple[str, ...] = field(metadata=CLASSES)
    positive: tuple[str, ...] = field(metadata=POSITIVE)
    unit: tuple[str, ...] = field(metadata=UNIT)
    unit_columns: tuple[str, ...] = field(metadata=UNIT_COLUMN)
    relation_columns: tuple[str, ...] = field(metadata=RELATION_COLUMN)
    weight_column: str | None = field(metadata=WEIGHT_COLUMN)
    text: DialectOptions

    def load(self, scales: "ScaleOptions") -> "Dataset":
        """Read the table to train on it."""
        require_of_task(self.task, self.classes, self.positive, self.unit_columns)
        return self._load(self.targets, self.task, scales)

    def load_for(self, targets: Sequence["Target"]) -> "Dataset":
        """Read the table, with a column for each target of a model."""
        from servier.data.datasets import ALL_TARGETS

        require_learnt(targets, self.task, self.classes, self.positive, self.unit_columns)
        names = [target.name for target in targets]
        chosen = names if self.targets in ((), (ALL_TARGETS,)) else self.targets
        if len(chosen) != len(names):
            raise ServierError(
                f"this model has the targets {', '.join(names)}",
                hint="name one column for each with --target",
            )
        return self._load(chosen, [target.task for target in targets], learnt=targets)

    def _load(
        self,
        targets: Sequence[str],
        tasks: Sequence[str] | str | None,
        scales: "ScaleOptions | None" = None,
        learnt: "Sequence[Target]" = (),
    ) -> "Dataset":
        from servier.data.datasets import Columns, find_dataset, load_dataset
        from servier.data.wishes import Wishes

        columns = Columns(
            targets, self.smiles_column, self.id_column, self.split_column, self.text.dialect(),
            units=self.unit_columns, relations=self.relation_columns, weight=self.weight_column,
        )  # fmt: skip
        wishes = Wishes(self.unit, *(() if scales is None else (scales.transform, scales.bounds)))
        source = self.dataset or find_dataset(self.data_dir)
        return load_dataset(source, columns, tasks, self.positive, learnt, class_orders(self.classes), wishes)


@dataclass(frozen=True)
class ResamplingOptions:
    """How confidence intervals are computed."""

    seed: int = field(metadata=option(type=int, default=0, show_default=True, help="Seed of the bootstrap."))
    resamples: int = field(
        metadata=option(
            type=click.IntRange(20), default=1000, show_default=True, help="How often rows are drawn."
        )
    )
    workers: int | None = field(metadata=WORKERS)

    def resampling(self) -> "Resampling":
        """Return how rows are drawn."""
        from servier.evaluation.bootstrap import Resampling

        return Resampling(self.resamples, self.seed, worker_processes(self.workers))


@dataclass(frozen=True)
class DetailOptions:
    """Whether answers say how certain they are."""

    detail: bool = field(metadata=option(is_flag=True, help="Also say how certain an answer is."))
    confidence: tuple[str, ...] = field(
        metadata=option(
            multiple=True,
            type=click.Choice(["0.8", "0.9", "0.95"]),
            help="How often the set of labels, or the interval, is to hold the truth; repeatable; implies "
            "--detail.  [default: 0.9]",
        )
    )

    @property
    def confidences(self) -> tuple[str, ...]:
        """The confidences of the conformal sets and intervals that are asked for, each once."""
        return tuple(dict.fromkeys(self.confidence or (("0.9",) if self.detail else ())))


@dataclass(frozen=True)
class ModelPaths:
    """Which model answers, and where the checkpoints are."""

    model_1_path: str = field(
        metadata=option(
            decides=False,
            default=DEFAULT_MODEL_PATHS["1"],
            show_default=True,
            help="Checkpoint of model 1.",
        )
    )
    model_2_path: str = field(
        metadata=option(
            decides=False,
            default=DEFAULT_MODEL_PATHS["2"],
            show_default=True,
            help="Checkpoint of model 2.",
        )
    )
    model_name: str = field(
        metadata=option(
            type=ASKED_MODELS,
            default="1",
            show_default=True,
            help="Model to ask; consensus is the mean of both, in which model 1 counts twice.",
        )
    )
    require_signature: str | None = field(metadata=REQUIRE_SIGNATURE)

    def open(self) -> "list[Checkpoint]":
        """Open the checkpoint, or both of a consensus."""
        from servier.checkpoint.file import open_checkpoint

        keys = trusted_keys(self.require_signature)
        paths = {"1": self.model_1_path, "2": self.model_2_path}
        names = list(paths) if self.model_name == "consensus" else [self.model_name]
        opened = [open_checkpoint(paths[name], name) for name in names]
        if keys is not None:
            for checkpoint in opened:
                keys.require(checkpoint)
        return opened


def first(*values: Value | None, default: Value) -> Value:
    """Return the first value that is not None, or else the default."""
    return next((value for value in values if value is not None), default)


def command_line() -> str:
    """Return the command that is running, as one would type it, each option on a line of its own."""
    words = ["servier", *map(shlex.quote, sys.argv[1:])]
    return " ".join(f"\\\n  {word}" if word.startswith("--") else word for word in words)


def trusted_keys(path: str | None) -> "TrustedKeys | None":
    """Return the keys of the file that --require_signature names; None where it was not given."""
    if path is None:
        return None
    require_extra("sign", "--require_signature")
    from servier.checkpoint.signatures import read_trusted_keys

    return read_trusted_keys(path)


def worker_processes(workers: int | None) -> int:
    """Return the number of processes, all cores where it was not said."""
    from servier.processes.ordered_map import count_cores

    return workers or count_cores()
