"""The columns that hold the molecules and their identifiers."""

from collections.abc import Sequence

from servier.errors import DataError

STATUS_COLUMNS = ("status", "reason")
SMILES_NAMES = ("smiles", "smile", "canonical_smiles", "structure", "drug")
ID_NAMES = (
    "mol_id",
    "id",
    "name",
    "drug_id",
    "molecule_id",
    "compound_id",
    "compound id",
    "molecule_chembl_id",
    "cid",
)


def find_column(columns: Sequence[str], name: str | None, usual: Sequence[str], what: str) -> str | None:
    """Find the column called `name`, or the one with a usual name.

    Parameters
    ----------
    columns
        The columns of the table.
    name
        The name that the user gave, or None to detect the column.
    usual
        Names to look for, in lower case.
    what
        The kind of column, for messages and for the option that names it (`--smiles_column`).

    Returns
    -------
    The column, or None if no name was given and no column has a usual one.

    Raises
    ------
    DataError
        The named column is absent, or several columns have a usual name.
    """
    listing = ", ".join(columns)
    if name is not None:
        if name in columns:
            return name
        alike = [column for column in columns if column.lower() == name.lower()]
        if len(alike) == 1:
            return alike[0]
        raise DataError(f"no column {name!r}", hint=f"the columns are {listing}")
    found = [column for column in columns if column.lower() in usual]
    if len(found) > 1:
        hint = f"name one with --{what}_column; the columns are {listing}"
        raise DataError(f"several {what} columns: {', '.join(found)}", hint=hint)
    return found[0] if found else None


def require_smiles_column(columns: Sequence[str], name: str | None) -> str:
    """Find the column with the SMILES strings; a table of one column needs no name.

    Raises
    ------
    DataError
        There is none, or more than one.
    """
    found = find_column(columns, name, SMILES_NAMES, "smiles")
    if found is None and (molecule := next(filter(_looks_like_molecule, columns), None)):
        hint = "add a header line such as smiles,name, or end the file's name in .smi"
        raise DataError(
            f"this table has no header: its first line holds the molecule {molecule!r}", hint=hint
        )
    if found is None and len(columns) == 1:
        found = columns[0]
    if found is None:
        listing = ", ".join(columns)
        hint = f"name it with --smiles_column; the columns are {listing}"
        raise DataError("no column with SMILES strings found", hint=hint)
    return found


def _looks_like_molecule(name: str) -> bool:
    """Return whether a column's name is a SMILES string of more than one letter."""
    if len(name) < 2:
        return False
    from servier.chem.molecules import InvalidMolecule, parse_smiles

    return not isinstance(parse_smiles(name), InvalidMolecule)
