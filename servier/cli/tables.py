"""The commands that read and write tables."""

import json
from dataclasses import dataclass, field

import click

from servier.cli.commands import argument, command, option
from servier.cli.dialects import DialectOptions
from servier.cli.label_options import class_orders, require_of_task
from servier.cli.options import (
    CLASSES,
    FORCE,
    ID_COLUMN,
    JSON,
    POSITIVE,
    RELATION_COLUMN,
    SMILES_COLUMN,
    TARGETS,
    UNIT,
    UNIT_COLUMN,
    WEIGHT_COLUMN,
)
from servier.cli.outputs import Inputs, claim_outputs
from servier.cli.settings import SAME_MOLECULE, STANDARDIZATION, ScaleOptions


@dataclass(frozen=True)
class CheckOptions:
    """The options of `servier check`."""

    source: str = field(metadata=argument(decides=False, metavar="DATA"))
    output: str | None = field(metadata=argument(decides=False, metavar="[OUTPUT.csv]", required=False))
    targets: tuple[str, ...] = field(metadata=TARGETS)
    smiles_column: str | None = field(metadata=SMILES_COLUMN)
    id_column: str | None = field(metadata=ID_COLUMN)
    text: DialectOptions
    positive: tuple[str, ...] = field(metadata=POSITIVE)
    task: str | None = field(
        metadata=option(
            type=click.Choice(["multiclass", "ordinal"]),
            help="That targets have classes.  [default: neither]",
        )
    )
    classes: tuple[str, ...] = field(metadata=CLASSES)
    unit: tuple[str, ...] = field(metadata=UNIT)
    unit_columns: tuple[str, ...] = field(metadata=UNIT_COLUMN)
    relation_columns: tuple[str, ...] = field(metadata=RELATION_COLUMN)
    weight_column: str | None = field(metadata=WEIGHT_COLUMN)
    scales: ScaleOptions
    same_molecule: str | None = field(metadata=SAME_MOLECULE)
    standardization: str | None = field(metadata=STANDARDIZATION)
    force: bool = field(metadata=FORCE)
    as_json: bool = field(metadata=JSON)


@command(CheckOptions, extra="train")
def check(given: CheckOptions) -> None:
    """Check a labelled table for problems, before anyone trains on it.

    Finds rows that are unreadable, unlabelled, without a weight that can be used, duplicates, in
    conflict, mixtures, metal compounds, very large, or activity cliffs (like another molecule, with a
    label far from its own); targets whose missing labels may have been filled in, whose labels are in
    several units or seem to be limits of detection; a series that is most of the table; and how far
    labels of one molecule differ, which limits what a model can reach. OUTPUT.csv says for each row what
    was found in it.

    \b
    Examples:
      servier check data/dataset_single.csv
      servier check solubility.csv findings.csv --target logS
      servier check clearance.csv --target class --task ordinal --classes low,medium,high
      servier check assay.csv --target IC50 --transform pIC50
    """
    from servier.chem.levels import Level
    from servier.data.audit import as_document, write_findings
    from servier.data.audit import check as check_table
    from servier.data.datasets import Columns
    from servier.data.wishes import Wishes
    from servier.report.text import describe_audit
    from servier.tables import find_stamp, require_stamp

    require_of_task(given.task, given.classes, given.positive, given.unit_columns)
    columns = Columns(
        given.targets,
        given.smiles_column,
        given.id_column,
        dialect=given.text.dialect(),
        units=given.unit_columns,
        relations=given.relation_columns,
        weight=given.weight_column,
    )
    stamp = find_stamp(given.source)
    with claim_outputs(given, [given.output], Inputs({"table": given.source})) as is_made:
        same_molecule, level = given.same_molecule or "parent", Level(given.standardization or "parent")
        orders = class_orders(given.classes)
        wishes = Wishes(given.unit, given.scales.transform, given.scales.bounds)
        audit = check_table(
            given.source, columns, same_molecule, given.positive, level, wishes, given.task, orders
        )
        require_stamp(given.source, stamp)
        if given.output and not is_made:
            write_findings(audit, given.output)
    click.echo(json.dumps(as_document(audit), indent=1) if given.as_json else describe_audit(audit))


@dataclass(frozen=True)
class SimulateOptions:
    """The options of `servier simulate`."""

    output: str = field(metadata=argument(decides=False, metavar="OUTPUT.csv"))
    rows: int = field(
        metadata=option(type=click.IntRange(20), default=3000, show_default=True, help="Number of molecules.")
    )
    seed: int = field(metadata=option(type=int, default=0, show_default=True, help="Seed of all randomness."))
    censored: bool = field(
        metadata=option(
            is_flag=True,
            help="P1 is a value that is measured within limits, beyond which it is a bound such as <5.",
        )
    )
    force: bool = field(metadata=FORCE)


@command(SimulateOptions)
def simulate(given: SimulateOptions) -> None:
    """Write a simulated, labelled data set.

    The molecules are made from building blocks, and P1 follows a known rule with noise; so the best AUROC
    that any model can reach is known. The labels mean nothing in chemistry. With --censored, P1 is a value
    and P1_value what it would be without the limits of its measurement.

    \b
    Examples:
      servier simulate data/dataset_single.csv --rows 3000 --seed 1
      servier simulate censored.csv --censored
    """
    from servier.data.censored_simulation import simulate_censored
    from servier.data.simulation import simulate as make_simulation
    from servier.data.simulation import write_simulation

    with claim_outputs(given, [given.output], Inputs({})) as is_made:
        made = (simulate_censored if given.censored else make_simulation)(given.rows, given.seed)
        if not is_made:
            write_simulation(made, given.output)
    click.echo(f"{given.rows} simulated molecules, {made.description}, are in {given.output}")
    click.echo(f"Best achievable {made.best}")
