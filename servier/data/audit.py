"""The problems of a labelled table, row by row, before anyone trains on it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize

from servier.chem.levels import Level
from servier.chem.molecules import InvalidMolecule, Mol, parse_smiles
from servier.data.class_column import log_classes, read_class_columns
from servier.data.datasets import require_positive
from servier.data.duplicates import identify
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
    suspect_filled,
    suspect_misspelt,
    suspect_useless,
)
from servier.tables import write_csv

LARGE_ATOMS = 100
NON_METALS = frozenset((0, 1, 2, *range(5, 11), *range(14, 19), *range(32, 37), *range(51, 55), 85, 86))

Labels = dict[str, NDArray[np.float64]]


@dataclass
class Finding:
    """The problems found in one row.

    Parameters
    ----------
    line, id, smiles
        The line number, the identifier and the SMILES string of the row.
    problems
        Any of `ragged`, `empty`, `invalid`, `too_large`, `bad_label`, `unlabelled`, `duplicate`, `conflict`,
        `mixture`, `metal` and `large`.
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
    """

    path: str
    findings: list[Finding]
    labels: dict[str, dict[str, float]]
    warnings: list[str]

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
    task: str | None = None,
    orders: Sequence[Sequence[str]] = (),
) -> Audit:
    """Find the problems of a labelled table.

    Parameters
    ----------
    path, columns
        A table of any format, and the columns that the user named. If no target is named, all columns of
        labels are targets, except those that only number the rows.
    same_molecule
        When two rows have the same molecule, as for `identify`.
    positive
        Words that stand for label 1, as for `servier.data.label_column.read_labels`.
    level
        How far molecules are standardized before they are compared.
    task, orders
        `multiclass` or `ordinal` where the named targets have classes, and lists of these, as for
        `read_classes`; else None.

    Raises
    ------
    DataError
        The table as a whole cannot be read, or has no column with molecules, or none with classes.
    """
    columns = columns or Columns()
    wanted = columns.targets or [ALL_TARGETS]
    table = read_labelled_table(path, replace(columns, targets=wanted), keep_ragged=True)
    findings = _list_rows(table)
    require_positive(table, positive)
    if task is None:
        read, warnings = _read_targets(table, columns.targets or [DEFAULT_TARGET], positive)
    else:
        named = table.targets if columns.targets else [DEFAULT_TARGET]
        read, warnings = read_class_columns(table, named, task, orders), []
    labels = {target: _note_labels(column, target, findings) for target, column in read.items()}
    mols = [_check_row(*row, level) for row in zip(table.problems, findings, strict=True)]
    _check_unlabelled(labels, findings)
    _check_duplicates(mols, findings, labels, same_molecule)
    described = {
        target: describe_labels(y, read[target].in_order if task else ()) for target, y in labels.items()
    }
    warnings = warnings + suspect_useless(labels) + ([] if task else suspect_filled(labels))
    return Audit(str(path), findings, described, warnings)


def _list_rows(table: LabelledTable) -> list[Finding]:
    """Return the rows of a table, in which nothing has been found yet."""
    rows = zip(table.lines, table.ids, table.smiles, strict=True)
    return [Finding(line, identifier, smiles) for line, identifier, smiles in rows]


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
        "warnings": audit.warnings,
    }


def _read_targets(
    table: LabelledTable, wanted: Sequence[str], positive: Sequence[str]
) -> tuple[dict[str, LabelColumn], list[str]]:
    """Return the wanted columns and those of labels, and a warning for each that a change would make one."""
    read = {target: read_labels(table.values[target], positive) for target in table.targets}
    targets = [target for target, column in read.items() if target in wanted or holds_labels(column)]
    misspelt = {target: suspect_misspelt(read[target]) for target in read if target not in targets}
    warnings = [f"{target}: train refuses it: {text}" for target, text in misspelt.items() if text]
    warnings += suspect_classes({target: table.values[target] for target in targets})
    return {target: read[target] for target in targets}, warnings


def _note_labels(column: LabelColumn, target: str, findings: Sequence[Finding]) -> NDArray[np.float64]:
    """Return the labels of a target; note which cannot be read, and say which word is which label."""
    for row, error in column.problems.items():
        findings[row].add("bad_label", f"{target}: {error.problem}")
    if len(column.words) > 2:
        log_classes(target, column.words)
    else:
        column.log_words(target)
    return column.y


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
    with rdBase.BlockLogs():
        parent = _salt_remover().remove(mol)
    fragments = Chem.MolToSmiles(parent).split(".")
    if len(fragments) > 1:
        finding.add("mixture", f"{len(fragments)} components that are not common salts")
    metals = sorted({atom.GetSymbol() for atom in parent.GetAtoms() if atom.GetAtomicNum() not in NON_METALS})
    if metals:
        finding.add("metal", ", ".join(metals))
    standard = parse_smiles(finding.smiles, level=level)
    if isinstance(standard, InvalidMolecule):
        finding.add(str(standard.status), standard.reason)
        return None
    return standard


@cache
def _salt_remover() -> rdMolStandardize.FragmentRemover:
    return rdMolStandardize.FragmentRemover()


def _check_unlabelled(labels: Labels, findings: Sequence[Finding]) -> None:
    if labels:
        for row in np.flatnonzero(np.isnan(np.stack(list(labels.values()))).all(axis=0)).tolist():
            findings[row].add("unlabelled", "no label")


def _check_duplicates(
    mols: Sequence[Mol | None], findings: Sequence[Finding], labels: Mapping[str, Any], same_molecule: str
) -> None:
    rows = [row for row, mol in enumerate(mols) if mol is not None]
    molecules = identify([mols[row] for row in rows], [findings[row].smiles for row in rows], same_molecule)
    same: dict[int, list[int]] = {}
    for row, molecule in zip(rows, molecules.tolist(), strict=True):
        same.setdefault(molecule, []).append(row)
    for first, *others in same.values():
        for row in others:
            findings[row].add("duplicate", f"the molecule of line {findings[first].line}")
        for target, y in labels.items() if others else ():
            known = y[[first, *others]]
            different = np.unique(known[~np.isnan(known)])
            if len(different) > 1:
                for row in (first, *others):
                    findings[row].add(
                        "conflict", f"{target}: {', '.join(f'{value:g}' for value in different)}"
                    )
