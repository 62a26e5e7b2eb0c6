"""The problems of a labelled table, row by row, before anyone trains on it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from servier.chem.levels import Level
from servier.chem.molecules import InvalidMolecule, Mol, parse_smiles
from servier.chem.standardization import find_components
from servier.data.audited_labels import Readable, find_bad_weights, scale_audited
from servier.data.class_column import log_classes, read_class_columns
from servier.data.datasets import require_positive
from servier.data.label_column import LabelColumn, read_labels
from servier.data.labelled_table import (
    ALL_TARGETS,
    DEFAULT_TARGET,
    Columns,
    LabelledTable,
    read_labelled_table,
)
from servier.data.labels import (
    describe_labels,
    holds_labels,
    suspect_classes,
    suspect_labels,
    suspect_misspelt,
)
from servier.data.replicates import Replicates
from servier.data.scales import ScaledLabels
from servier.data.structure_activity import suspect_series
from servier.data.wishes import NO_WISHES, Wishes
from servier.tables import write_csv

LARGE_ATOMS = 100
NON_METALS = frozenset((0, 1, 2, *range(5, 11), *range(14, 19), *range(32, 37), *range(51, 55), 85, 86))


@dataclass
class Finding:
    """The problems found in one row.

    Parameters
    ----------
    line, id, smiles
        The line number, the identifier and the SMILES string of the row.
    problems
        Any of `ragged`, `empty`, `invalid`, `too_large`, `bad_label`, `bad_relation`, `bad_unit`,
        `bad_weight`, `unlabelled`, `duplicate`, `conflict`, `mixture`, `metal`, `large` and `cliff`.
    details
        A phrase for each problem.
    """

    line: int
    id: str
    smiles: str
    problems: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def add(self, problem: str, detail: str) -> None:
        """Add a problem."""
        self.problems.append(problem)
        self.details.append(detail)


@dataclass(frozen=True)
class Audit:
    """The result of `check`.

    Parameters
    ----------
    path
        The table.
    findings
        The problems of each row.
    labels
        The distribution of the labels of each target.
    warnings
        Problems of targets as a whole.
    units
        The units of labels, by target, where they are known.
    replicates
        How far labels of one molecule differ, by target, where molecules have several.
    """

    path: str
    findings: list[Finding]
    labels: dict[str, dict[str, float]]
    warnings: list[str]
    units: dict[str, str] = field(default_factory=dict)
    replicates: dict[str, Replicates] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows with each problem, the most frequent first."""
        problems = Counter(problem for finding in self.findings for problem in set(finding.problems))
        return dict(problems.most_common())


def check(
    path: str | Path,
    columns: Columns | None = None,
    same_molecule: str = "parent",
    positive: Sequence[str] = (),
    level: Level = Level.PARENT,
    wishes: Wishes = NO_WISHES,
    task: str | None = None,
    orders: Sequence[Sequence[str]] = (),
) -> Audit:
    """Find the problems of a labelled table.

    Parameters
    ----------
    path, columns
        A table of any format, and the columns that the user named. If no target is named, all columns of
        labels are targets, except those that only number the rows.
    same_molecule, level
        When two rows have the same molecule, as for `identify`, and how far molecules are standardized first.
    positive
        Words that stand for label 1, as for `servier.data.label_column.read_labels`.
    wishes
        What the user says of units, scales and bounds.
    task, orders
        `multiclass` or `ordinal` where the named targets have classes, and lists of these, as for
        `read_classes`; else None.

    Raises
    ------
    DataError
        The table as a whole cannot be read, or has no column with molecules, or none with classes.
    """
    columns = columns or Columns()
    table = _read_table(path, columns)
    findings = list(map(Finding, table.lines, table.ids, table.smiles))
    require_positive(table, positive)
    wishes.require_targets(table.targets)
    read, warnings = _read_targets(table, columns.targets, positive, task, orders)
    scaled, refused = scale_audited(table, read, wishes, task)
    chosen = {target: found.column for target, found in scaled.items()}
    _note_labels(scaled, findings)
    units = {target: found.unit for target, found in scaled.items() if found.unit is not None}
    mols = [_check_row(*row, level) for row in zip(table.problems, findings, strict=True)]
    readable = Readable.find(mols, table.smiles, chosen, same_molecule, task)
    _check_unlabelled(chosen, findings)
    _check_duplicates(readable, findings, chosen)
    _note_cliffs(readable, units, findings)
    said = [*warnings, *refused, *_suspect(chosen, table, findings), *suspect_series(readable.each_once())]
    described = {name: describe_labels(c.y, c.relations, c.classes) for name, c in chosen.items()}
    return Audit(str(path), findings, described, said, units, readable.measure_replicates())


def _read_table(path: str | Path, columns: Columns) -> LabelledTable:
    """Read the columns of the targets that were named, or else of all that may be one."""
    wanted = columns.targets or [ALL_TARGETS]
    return read_labelled_table(path, replace(columns, targets=wanted), keep_ragged=True)


def write_findings(audit: Audit, path: str | Path) -> None:
    """Write the findings as a CSV file, with a line for each row of the table."""
    rows = [
        (
            found.line,
            found.id,
            found.smiles,
            " ".join(dict.fromkeys(found.problems)),
            "; ".join(found.details),
        )
        for found in audit.findings
    ]
    write_csv(path, ["line", "id", "smiles", "problems", "details"], rows)


def as_document(audit: Audit) -> dict[str, Any]:
    """Return an audit as a document that can be stored."""
    return {
        "file": Path(audit.path).name,
        "rows": len(audit.findings),
        "problems": audit.counts,
        "labels": audit.labels,
        "units": audit.units,
        "replicates": {target: asdict(found) for target, found in audit.replicates.items()},
        "warnings": audit.warnings,
    }


def _read_targets(
    table: LabelledTable,
    named: Sequence[str],
    positive: Sequence[str],
    task: str | None,
    orders: Sequence[Sequence[str]],
) -> tuple[dict[str, LabelColumn], list[str]]:
    """Return the named columns, or else those of labels, and a warning for each that a change would make one.

    Where targets have classes, only the named columns are read.
    """
    wanted = named or [DEFAULT_TARGET]
    if task is not None:
        return read_class_columns(table, table.targets if named else wanted, task, orders), []
    read = {
        target: read_labels(table.values[target], positive, relations=table.relations(target))
        for target in table.targets
    }
    targets = [target for target, column in read.items() if target in wanted or holds_labels(column)]
    misspelt = {target: suspect_misspelt(read[target]) for target in read if target not in targets}
    warnings = [f"{target}: train refuses it: {text}" for target, text in misspelt.items() if text]
    warnings += suspect_classes({target: table.values[target] for target in targets})
    return {target: read[target] for target in targets}, warnings


def _suspect(
    columns: Mapping[str, LabelColumn], table: LabelledTable, findings: Sequence[Finding]
) -> list[str]:
    """Return what is wrong with targets and weights as a whole; note the rows whose weight cannot be used."""
    questions = [found.question for found in (table.relation_columns, table.unit_columns)]
    sentences = [
        f"train refuses it: {found.problem}; {found.hint}" for found in questions if found is not None
    ]
    unread = "holds nothing but relations; if it says which labels are bounds, name it with --relation_column"
    sentences += [f"{name}: {unread}" for name in table.unread_relations]
    return [*sentences, *_note_weights(table, findings), *suspect_labels(columns)]


def _note_labels(scaled: Mapping[str, ScaledLabels], findings: Sequence[Finding]) -> None:
    """Note which labels cannot be read or used, and say which word is which label."""
    for target, labels in scaled.items():
        column = labels.column
        unread = {row: error.problem for row, error in column.problems.items()}
        for name, problems in ({"bad_label": unread} | labels.left_out).items():
            for row, problem in problems.items():
                findings[row].add(name, f"{target}: {problem}")
        if column.classes:
            log_classes(target, column.words)
        else:
            column.log_words(target)


def _note_weights(table: LabelledTable, findings: Sequence[Finding]) -> list[str]:
    """Note which rows have no weight that can be used; return what is wrong with all of them."""
    problems, sentences = find_bad_weights(table)
    for row, problem in problems.items():
        findings[row].add("bad_weight", problem)
    return sentences


def _check_row(problem: str | None, finding: Finding, level: Level) -> Mol | None:
    """Check the molecule of one row, and return its standard form if it can be used."""
    if problem:
        finding.add("ragged", problem)
        return None
    mol = parse_smiles(finding.smiles)
    if isinstance(mol, InvalidMolecule):
        finding.add(str(mol.status), mol.reason)
        return None
    if (n_atoms := mol.GetNumHeavyAtoms()) > LARGE_ATOMS:
        finding.add("large", f"{n_atoms} heavy atoms")
    components = find_components(mol)
    if len(components) > 1:
        finding.add("mixture", f"{len(components)} components that are not common salts or solvents")
    atoms = [atom for component in components for atom in component.GetAtoms()]
    metals = sorted({atom.GetSymbol() for atom in atoms if atom.GetAtomicNum() not in NON_METALS})
    if metals:
        finding.add("metal", ", ".join(metals))
    standard = parse_smiles(finding.smiles, level=level)
    if isinstance(standard, InvalidMolecule):
        finding.add(str(standard.status), standard.reason)
        return None
    return standard


def _note_cliffs(readable: Readable, units: Mapping[str, str], findings: Sequence[Finding]) -> None:
    for row, detail in readable.find_cliffs(units, [found.line for found in findings]):
        findings[row].add("cliff", detail)


def _check_unlabelled(columns: Mapping[str, LabelColumn], findings: Sequence[Finding]) -> None:
    if columns:
        is_missing = np.isnan(np.stack([column.y for column in columns.values()])).all(axis=0)
        for row in np.flatnonzero(is_missing).tolist():
            findings[row].add("unlabelled", "no label")


def _check_duplicates(
    readable: Readable, findings: Sequence[Finding], columns: Mapping[str, LabelColumn]
) -> None:
    same: dict[int, list[int]] = {}
    for row, molecule in zip(readable.rows, readable.molecules.tolist(), strict=True):
        same.setdefault(molecule, []).append(row)
    for first, *others in same.values():
        for row in others:
            findings[row].add("duplicate", f"the molecule of line {findings[first].line}")
        for target, column in columns.items() if others else ():
            if different := column.find_conflict([first, *others]):
                for row in (first, *others):
                    findings[row].add("conflict", f"{target}: {', '.join(different)}")
