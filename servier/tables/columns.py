"""The columns that hold the molecules and their identifiers, and columns that have no name."""

import logging
import re
from collections.abc import Sequence

from servier.errors import DataError
from servier.tables.encoding import readable

STATUS_COLUMNS = ("status", "reason")
SMILES_NAMES = (
    "smiles",
    "smile",
    "canonical_smiles",
    "pubchem_ext_datasource_smiles",
    "structure",
    "drug",
)
ID_NAMES = (
    "mol_id",
    "id",
    "name",
    "drug_id",
    "molecule_id",
    "compound_id",
    "compound id",
    "molecule_chembl_id",
    "molecule chembl id",
    "cid",
    "pubchem_cid",
)
MAX_LISTED = 100
_NAMELESS = re.compile(r"(Unnamed: \d+(_level_\d+)?|__index_level_\d+__)?")
_LIKE_SMILES = re.compile(
    r"(?=.*[A-Za-z])(?=.{5})(?=.*[]0-9()=#@/\\[])"
    r"(?:\[[^\[\]]*\]?|Br|Cl|[BCNOPSFI]|[bcnops]|%[0-9]{2}|[0-9()=#$:@\\/.*~+-])+"
)
_WORDS = {"smiles": "smile", "id": "id"}

logger = logging.getLogger(__name__)


def find_column(columns: Sequence[str], name: str | None, usual: Sequence[str], what: str) -> str | None:
    """Find the column called `name`, or the one with a usual name.

    Parameters
    ----------
    columns
        The columns of the table.
    name
        The name that the user gave, or None to detect the column. Case, line breaks and encoding may differ.
    usual
        Names to look for, in lower case. Of several the first in this order
        counts, with a notice, if it says what it holds.
    what
        The kind of column, for messages and for the option that names it (`--smiles_column`).

    Returns
    -------
    The column, or None if no name was given and no column has a usual one.

    Raises
    ------
    DataError
        The named column is absent, or it is not clear which of several columns is meant.
    """
    listing = list_names(columns)
    if name is not None:
        if name in columns and name:
            return name
        alike = [column for column in columns if is_named(column) and _plain(column) == _plain(name)]
        if len(alike) == 1:
            return alike[0]
        raise DataError(f"no column {name!r}", hint=f"the columns are {listing}")
    found = [column for column in columns if _usual(column) in usual]
    if len(found) < 2:
        return found[0] if found else None
    found.sort(key=lambda column: (usual.index(_usual(column)), column != _usual(column)))
    first, second = found[:2]
    is_clear = _WORDS.get(what, "") in _usual(first)
    if is_clear and (_usual(first) != _usual(second) or first == _usual(first)):
        logger.info(
            "column %r is taken, not %s; --%s_column names another", first, list_names(found[1:]), what
        )
        return first
    hint = f"name one with --{what}_column; the columns are {listing}"
    raise DataError(f"several {what} columns: {list_names(found)}", hint=hint)


def require_smiles_column(columns: Sequence[str], name: str | None) -> str:
    """Find the column with the SMILES strings; where only one column has a name it needs no usual one.

    Raises
    ------
    DataError
        There is none, or more than one.
    """
    found = find_column(columns, name, SMILES_NAMES, "smiles")
    named = [column for column in columns if is_named(column)]
    if found is None and len(named) == 1:
        found = named[0]
    if found is None:
        hint = f"name it with --smiles_column; the columns are {list_names(columns)}"
        raise DataError("no column with SMILES strings found", hint=hint)
    return found


def is_named(column: str) -> bool:
    """Return whether a column has a name: neither none at all, nor what pandas puts in its place."""
    return _NAMELESS.fullmatch(column) is None


def names_smiles(column: str) -> bool:
    """Return whether a name says that its column holds SMILES strings."""
    return _usual(column) in SMILES_NAMES and "smile" in _usual(column)


def names_molecules(column: str) -> bool:
    """Return whether a column has one of the usual names of those that hold molecules."""
    return _usual(column) in SMILES_NAMES


def is_usual(column: str) -> bool:
    """Return whether a column has a usual name, of molecules or of identifiers."""
    return _usual(column) in (*SMILES_NAMES, *ID_NAMES)


def list_names(columns: Sequence[str]) -> str:
    """Return the names of columns for a message, of many the first ones."""
    named = [column for column in columns if column]
    n_nameless, n_left = len(columns) - len(named), len(named) - MAX_LISTED
    listed = [readable(column) for column in named[:MAX_LISTED]]
    listed += [f"{n_left:,} more"] if n_left > 0 else []
    return ", ".join([*listed, *([f"{n_nameless:,} without a name"] if n_nameless else [])])


def name_all(columns: Sequence[str]) -> list[str]:
    """Return names of which none is empty, for a format that needs them, as pandas does: `Unnamed: 0`."""
    names, taken = list(columns), set(columns)
    for i, column in enumerate(columns):
        if not column:
            names[i] = f"Unnamed: {i}"
            while names[i] in taken:
                names[i] += "_"
    return names


def find_molecules(first: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    """Find the column of a table without a header that holds molecules.

    Parameters
    ----------
    first
        The fields of the first line.
    rows
        Those of some lines after it.

    Returns
    -------
    The position of the column, in which the first line and at least half of the others have a molecule; that
    of the first line may be one that cannot be read, if it is written like one. None where the first line is
    a header.
    """
    if any(is_usual(name) or "smiles" in name.lower() for name in first):
        return None
    sizes = {}
    is_last = not any(any(row) for row in rows)
    for i, name in enumerate(first):
        if not _LIKE_SMILES.fullmatch(name) and not holds_molecule(name):
            continue
        below = [row[i] for row in rows if len(row) > i and row[i].strip()]
        molecules = [text for text in below if holds_molecule(text)]
        if 2 * len(molecules) >= len(below) and (molecules or (is_last and holds_molecule(name))):
            sizes[i] = len(name) + sum(map(len, molecules))
    return max(sizes, key=lambda i: sizes[i]) if sizes else None


def holds_molecule(text: str) -> bool:
    """Return whether a field is a SMILES string that can be read."""
    from servier.chem.molecules import InvalidMolecule, parse_smiles

    return bool(text) and not isinstance(parse_smiles(text), InvalidMolecule)


def _usual(column: str) -> str:
    """Return a name as the lists of usual names have it: those of SMI files often begin with #."""
    return column.lstrip("# ").lower()


def _plain(name: str) -> str:
    return " ".join(readable(name).split()).casefold()
