"""What the first rows of a delimited text say of its header."""

from collections.abc import Sequence

from servier.tables.columns import find_molecules, holds_molecule, names_molecules, names_smiles

_SEPARATORS = (" ", "^", "!", "&", "\x01", "\x1e", "\x1f", "\xa6", "\xa7", "\xac")
"""What separates fields in some files, and has no place in a SMILES string."""


def has_row_names(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether rows begin with a name that has no column, as R writes them.

    Parameters
    ----------
    columns
        The names in the header.
    rows
        The fields of the first rows. All of them have one more than the header, and not always an empty one
        at the end; a column of molecules has them only if the first field is left out, or, where none is
        called so, rows are numbered from 1.

    References
    ----------
    The manual of R, write.table: "By convention there is no column name for a column of row names."
    """
    filled = [row for row in rows if any(field.strip() for field in row)]
    if not filled or any(len(row) != len(columns) + 1 for row in filled) or not any(r[-1] for r in filled):
        return False
    sample = filled[:10]
    for i, name in enumerate(columns):
        if names_molecules(name):
            n_without, n_with = (sum(holds_molecule(row[i + shift]) for row in sample) for shift in (0, 1))
            return n_with > n_without
    return [row[0] for row in filled] == [str(i) for i in range(1, len(filled) + 1)]


def find_separator(header: str, rows: Sequence[str]) -> str | None:
    """Find what else than a delimiter separates the fields of a table that seems to have one column.

    Parameters
    ----------
    header
        The first line.
    rows
        Some lines after it that are not blank.
    """
    for separator in _SEPARATORS:
        names = [name.strip("\"'") for name in header.split(separator) if name]
        if len(names) < 2 or not all(separator in row for row in rows):
            continue
        first = [row.split(separator) for row in rows]
        if any(map(names_smiles, names)) or (len(rows) > 1 and find_molecules(names[:1], first) is not None):
            return separator
    return None
