"""Labels in one unit: what the table, the user or a model says of their units, and the conversion."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target import Target
from servier.chem.units import (
    NEGATIVE_LOG_MOLAR,
    NO_UNIT,
    Kind,
    Scale,
    Unit,
    convert,
    molecular_weight,
    parse_unit,
)
from servier.data.label_column import LARGEST, LabelColumn
from servier.data.labelled_table import LabelledTable, warn_of_rows
from servier.data.public_exports import find_types
from servier.data.row_units import RowUnits, find_units, known_rows
from servier.data.wishes import NO_LIMITS, Limits, Wishes
from servier.errors import DataError

KNOWN = "M, mM, uM, nM, pM, g/L, mg/L, ug/mL, ng/mL, mol/L and the like, %, and pIC50 or log10 of these"
SAY_UNIT = "say the unit of the labels, such as --unit nM"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScaledLabels:
    """The labels of a target in one unit.

    Parameters
    ----------
    column
        The labels.
    unit
        The name of their unit; None where nothing says it.
    limits
        What answers may not be beyond.
    sources
        How many labels were written in each unit, the most frequent first.
    bad_units
        Why the units of labels that are left out are none, by the number of their row.
    """

    column: LabelColumn
    unit: str | None = None
    limits: Limits = NO_LIMITS
    sources: Mapping[str, int] = field(default_factory=dict)
    bad_units: Mapping[int, str] = field(default_factory=dict)

    @property
    def left_out(self) -> dict[str, Mapping[int, str]]:
        """Why labels are left out, by what is wrong beside them and by the number of their row."""
        return {"bad_relation": self.column.bad_relations, "bad_unit": self.bad_units}


def scale_labels(
    table: LabelledTable, target: str, column: LabelColumn, wishes: Wishes, model: Target | None = None
) -> ScaledLabels:
    """Bring labels that are numbers to one unit.

    Parameters
    ----------
    table, target, column
        The table, the target, and its labels as they are written.
    wishes
        What the user says.
    model
        The target of a model that the labels are compared with: they come in its unit.

    Raises
    ------
    DataError
        Labels are of several types or in units that cannot be converted, or a label cannot be in its unit or
        is beyond its bounds.
    """
    _require_one_type(table, target)
    said = wishes.find_unit(target)
    asked = said if model is None else parse_unit(model.unit or "")
    units, bad_units = find_units(table, target, known_rows(column), said, asked)
    column = column.without(bad_units)
    wanted = _choose_unit(units, said) if model is None else _match_model(model, units)
    if wanted is not None and not units:
        units = dict.fromkeys(known_rows(column), NO_UNIT)
    transform = wishes.find_transform(target)
    if transform != "none":
        wanted, units = _transform(transform, wanted, units or dict.fromkeys(known_rows(column), NO_UNIT))
    sources = dict(Counter(unit.name for unit in units.values()).most_common())
    if wanted is not None:
        _require_convertible(units, wanted, table, is_mixed=model is None)
        column = _convert(units, wanted, column, table)
        _warn_of_name(target, units)
        _log_units(target, units, wanted)
    if model is not None:
        return ScaledLabels(column, model.unit, (model.lowest, model.highest), sources, bad_units)
    low, high = wishes.find_limits(target)
    if low is None and wanted is not None:
        low = wanted.lowest
    _require_within(column, (low, high), table)
    return ScaledLabels(column, (wanted and wanted.name) or None, (low, high), sources, bad_units)


def holds_numbers(column: LabelColumn, task: str | None = None) -> bool:
    """Return whether labels are numbers, which may have a unit: neither words nor 0 and 1 alone."""
    known = column.y[~np.isnan(column.y)]
    return task == "regression" or (task is None and not column.words and not set(known) <= {0.0, 1.0})


def _require_one_type(table: LabelledTable, target: str) -> None:
    """Refuse values of several types, such as IC50 and Ki, which no model can tell apart."""
    name = table.beside.type_columns.get(target)
    types = [] if name is None else find_types(table.values[name], table.values[target])
    if len(types) > 1:
        problem = f"values of several types: {', '.join(types)}"
        raise DataError(problem, hint=f"keep the rows of one {name} in a table of its own")


def _choose_unit(units: RowUnits, said: Unit | None) -> Unit | None:
    """Return the unit that labels are learnt in: the one that was named, else the most frequent.

    Of moles and grams together moles are taken, however few.
    """
    if said is not None or not units:
        return said
    counts = Counter(units.values())
    molar = [unit for unit in counts if unit.kind is Kind.MOLAR]
    has_mass = any(unit.kind is Kind.MASS for unit in counts)
    return max(molar if molar and has_mass else counts, key=lambda unit: counts[unit])


def _match_model(model: Target, units: RowUnits) -> Unit | None:
    """Return the unit that a model answers in.

    Raises
    ------
    DataError
        Nothing says the unit of the labels, or they are in several and nothing says that of the model.
    """
    if model.unit is not None:
        unit = parse_unit(model.unit)
        if not units and (unit is None or unit.kind is not Kind.NUMBER):
            problem = f"the model answers in {model.unit}, and nothing says in which unit the labels are"
            raise DataError(problem, hint=SAY_UNIT)
        return unit
    if not units:
        return None
    first = next(iter(units.values()))
    if not all(unit.matches(first) for unit in units.values()):
        problem = "labels are in several units, and the model does not say in which one it answers"
        raise DataError(problem, hint="train it again, which notes the unit")
    logger.warning("the model does not say its unit: labels in %s are compared as they are", first.name)
    return first


def _transform(transform: str, wanted: Unit | None, units: RowUnits) -> tuple[Unit, RowUnits]:
    """Return the unit of the scale that labels are learnt on, and the units of the labels."""
    if transform == "log10":
        return (wanted or NO_UNIT).to_log(), units
    if wanted is None or not wanted.is_concentration:
        what = "these labels have no unit" if wanted is None else f"{wanted.name} is none"
        raise DataError(f"--transform pIC50 takes concentrations, and {what}", hint=SAY_UNIT)
    return NEGATIVE_LOG_MOLAR, units


def _require_convertible(units: RowUnits, wanted: Unit, table: LabelledTable, *, is_mixed: bool) -> None:
    """Refuse labels in units that cannot become one; name the first two lines that differ."""
    if all(unit.converts_to(wanted) for unit in set(units.values())):
        return
    (first, unit), *others = units.items()
    other = next((row for row, found in others if not found.converts_to(unit)), None)
    if other is not None and is_mixed:
        problem = f"the label is in {units[other].name}, and that of line {table.lines[first]} in {unit.name}"
        hint = f"neither can be converted: keep the rows of one unit in a table of its own; known are {KNOWN}"
        raise DataError(problem, row=table.lines[other], hint=hint)
    row = next(row for row, found in units.items() if not found.converts_to(wanted))
    problem = f"the label is in {units[row].name or 'no unit'}, which cannot be converted to {wanted.name}"
    raise DataError(problem, row=table.lines[row], hint="keep the rows of one unit, or name another --unit")


def _convert(units: RowUnits, wanted: Unit, column: LabelColumn, table: LabelledTable) -> LabelColumn:
    """Return the labels in one unit; those of molecules whose weight is needed and not known are left out."""
    y, weightless = column.y.copy(), []
    relations = None if column.relations is None else column.relations.copy()
    for unit in dict.fromkeys(units.values()):
        rows = np.array([row for row, found in units.items() if found == unit], np.int64)
        weights = np.full(len(rows), np.nan)
        if unit.needs_weight(wanted):
            weights = np.array([molecular_weight(table.smiles[row]) for row in rows])
            weightless += rows[np.isnan(weights)].tolist()
        _require_possible(y, rows, unit, wanted, table)
        y[rows] = convert(y[rows], unit, wanted, weights)
        if relations is not None and unit.reverses(wanted):
            relations[rows] *= -1
    too_large = np.flatnonzero(np.abs(y) > LARGEST)
    if too_large.size:
        problem = f"{column.y[too_large[0]]:g} {units[int(too_large[0])].name} is too large in {wanted.name}"
        raise DataError(problem, row=table.lines[too_large[0]], hint="name a larger unit with --unit")
    reason = "its molecule cannot be read, and without its weight the label cannot be converted"
    warn_of_rows(table.path, [(table.lines[row], reason) for row in sorted(weightless)], "such labels")
    return replace(column, y=y, relations=relations)


def _require_possible(
    y: NDArray[np.float64], rows: NDArray[np.int64], unit: Unit, wanted: Unit, table: LabelledTable
) -> None:
    """Refuse concentrations below 0, and what has no logarithm where that is asked for."""
    lowest, is_log = unit.lowest, unit.scale is Scale.LINEAR and wanted.scale is not Scale.LINEAR
    if lowest is not None and (below := rows[y[rows] < lowest]).size:
        problem = f"{y[below[0]]:g} {unit.name} is below 0, and no concentration is"
        hint = f"if labels are logarithms, say --unit 'log10({unit.name})' or --unit pIC50"
        raise DataError(problem, row=table.lines[below[0]], hint=hint)
    if is_log and (without := rows[y[rows] <= 0]).size:
        problem = f"{y[without[0]]:g} has no logarithm"
        raise DataError(
            problem,
            row=table.lines[without[0]],
            hint="leave the label out, or learn it with --transform none",
        )


def _require_within(column: LabelColumn, limits: Limits, table: LabelledTable) -> None:
    """Refuse labels beyond the bounds that answers are to have."""
    low, high = limits
    for bound, is_beyond, word in (
        (low, column.y < (np.nan if low is None else low), "below"),
        (high, column.y > (np.nan if high is None else high), "above"),
    ):
        if (rows := np.flatnonzero(is_beyond)).size:
            problem = f"the label {column.y[rows[0]]:g} is {word} the bound {bound:g}"
            hint = "correct it, leave it out, or give --bounds that hold"
            raise DataError(problem, row=table.lines[rows[0]], hint=hint)


def _warn_of_name(target: str, units: RowUnits) -> None:
    """Say so where a target is called as negative logarithms are, and its labels are said to be none."""
    if parse_unit(target) != NEGATIVE_LOG_MOLAR:
        return
    linear = next((unit for unit in units.values() if unit.scale is Scale.LINEAR), None)
    if linear is not None:
        said = "target %s: its name is that of negative logarithms, and its labels are said to be in %s"
        logger.warning(said, target, linear.name or "no unit")


def _log_units(target: str, units: RowUnits, wanted: Unit) -> None:
    """Say in which unit labels are, and how many were converted from which."""
    counts = Counter(unit.name or "no unit" for unit in units.values() if not unit.matches(wanted))
    converted = ", ".join(f"{n:,} from {name}" for name, n in counts.most_common())
    logger.info("target %s: labels in %s%s", target, wanted.name, f" ({converted})" if converted else "")
