"""Tables on disk: detect their columns, read them row by row, write them whole or not at all."""

from servier.tables.claims import Claim, claim_output, refuse_input
from servier.tables.columns import (
    ID_NAMES,
    SMILES_NAMES,
    STATUS_COLUMNS,
    find_column,
    is_named,
    list_names,
    name_all,
    require_smiles_column,
)
from servier.tables.files import STANDARD_STREAM, open_binary, open_file, write_whole
from servier.tables.formats import (
    count_rows,
    count_rows_of,
    open_table,
    read_table,
    table_format,
    write_csv,
)
from servier.tables.quoting import DETECTED, Dialect, Quotes
from servier.tables.records import Header, Record, Table
from servier.tables.stamps import Stamp, Watch, find_stamp, require_stamp
from servier.tables.text import DelimitedText, read_header, read_written
from servier.tables.writing import encode_predictions, encode_row, encode_rows

__all__ = [
    "DETECTED",
    "ID_NAMES",
    "SMILES_NAMES",
    "STANDARD_STREAM",
    "STATUS_COLUMNS",
    "Claim",
    "DelimitedText",
    "Dialect",
    "Header",
    "Quotes",
    "Record",
    "Stamp",
    "Table",
    "Watch",
    "claim_output",
    "count_rows",
    "count_rows_of",
    "encode_predictions",
    "encode_row",
    "encode_rows",
    "find_column",
    "find_stamp",
    "is_named",
    "list_names",
    "name_all",
    "open_binary",
    "open_file",
    "open_table",
    "read_header",
    "read_table",
    "read_written",
    "refuse_input",
    "require_smiles_column",
    "require_stamp",
    "table_format",
    "write_csv",
    "write_whole",
]
