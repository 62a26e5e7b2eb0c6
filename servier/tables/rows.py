"""What the first rows of a delimited text say of its header."""

from collections.abc import Iterable, Sequence

from servier.tables.columns import find_molecules, holds_molecule, names_molecules, names_smiles

N_SAMPLED = 10
"""How many rows are looked at where molecules are read."""

_SEPARATORS = (" ", "^", "!", "&", "\x01", "\x1e", "\x1f", "\xa6", "\xa7", "\xac")
"""What separates fields in some files, and has no place in a SMILES string."""


def has_row_names(columns: Sequence[str], rows: Iterable[Sequence[str]], *, are_quoted: bool) -> bool:
    """Return whether rows begin with a name that has no column, as R writes them.

    Parameters
    ----------
    columns
        The names in the header.
    rows
        The fields of the first rows.
    are_quoted
        Whether the header and all rows begin with a quotation mark.

    Notes
    -----
    All rows have one field more than the header. The first field is the one too many, and not half of a name
    with a comma, where it is in quotes, stands before a first column of molecules, or numbers the rows. A
    column of molecules must hold more of them if it is left out.

    References
    ----------
    The manual of R, write.table: "By convention there is no column name for a column of row names."
    """
    filled = []
    for row in rows:
        if any(field.strip() for field in row):
            if len(row) != len(columns) + 1:
                return False
            filled.append(row)
    if not any(row[-1] for row in filled):
        return False
    are_numbered = [row[0] for row in filled] == [str(i) for i in range(1, len(filled) + 1)]
    if not (are_quoted or names_molecules(columns[0]) or (are_numbered and len(filled) > 2)):
        return False
    for i, name in enumerate(columns):
        if names_molecules(name):
            sample = filled[:N_SAMPLED]
            n_without, n_with = (sum(holds_molecule(row[i + shift]) for row in sample) for shift in (0, 1))
            return n_with > n_without
    return are_numbered


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
