"""Audits of labelled tables as text."""

from typing import TYPE_CHECKING

from servier.report.text.replicates import describe_replicates
from servier.report.text.text_tables import text_table

if TYPE_CHECKING:
    from servier.data.audit import Audit


def describe_audit(audit: "Audit") -> str:
    """Return the problems of a table, the distribution of its labels, and its warnings."""
    lines = [f"{audit.path}: {len(audit.findings)} rows"]
    lines += ["", *text_table(("problem", "rows"), [(name, str(n)) for name, n in audit.counts.items()])]
    if not audit.counts:
        lines[1:] = ["No row has a problem."]
    for columns in dict.fromkeys(tuple(found) for found in audit.labels.values()):
        rows = [
            (_name(audit, target), *(f"{value:.4g}" for value in found.values()))
            for target, found in audit.labels.items()
            if tuple(found) == columns
        ]
        lines += ["", *text_table(("target", *(name.replace("_", " ") for name in columns)), rows)]
    for target, found in audit.replicates.items():
        lines += ["", describe_replicates(_name(audit, target), found)]
    return "\n".join([*lines, *(f"\nWarning: {text}" for text in audit.warnings)])


def _name(audit: "Audit", target: str) -> str:
    unit = audit.units.get(target)
    return target if unit is None else f"{target} in {unit}"
