"""SD files as tables."""

from collections.abc import Collection, Iterator
from typing import IO

from servier.chem.mol_blocks import smiles_of_block
from servier.tables.lines import MAX_LINE
from servier.tables.records import Header, Record
from servier.tables.sd_records import SdRecord, Survey, read_records
from servier.tables.writing import encode_row


class SdFile:
    """An SD file as a table: the SMILES string and the title of each mol block, and all data fields.

    Its first two columns are called `smiles` and `name`, or `molblock_smiles` and `molblock_name` where the
    file has data fields of these names.

    Parameters
    ----------
    stream
        Bytes, uncompressed.
    surveyed
        What a first reading of them found.
    max_record
        The longest record, in bytes.
    """

    def __init__(self, stream: IO[bytes], surveyed: Survey, max_record: int = MAX_LINE) -> None:
        self._stream, self._max_record, self.n_rows = stream, max_record, surveyed.n_records
        own = [_free_name(name, surveyed.fields) for name in ("smiles", "name")]
        columns = [*own, *surveyed.fields]
        header = Header(columns, b"", molecules=own[0])
        self.header = Header(columns, encode_row(columns, header), molecules=own[0])

    def __iter__(self) -> Iterator[Record]:
        for row, record in enumerate(read_records(self._stream, self._max_record), start=1):
            yield self._read(row, record)

    def _read(self, row: int, record: SdRecord) -> Record:
        # The title is no chemistry; other bytes than ASCII would be cut in two in RDKit's complaints.
        block = b"\n".join([b"", *record.block[1:]]).decode("ascii", errors="replace").replace("\ufffd", "?")
        found = smiles_of_block(block)
        smiles = found if isinstance(found, str) else ""
        problem = record.problem or (None if isinstance(found, str) else found.reason)
        values = [record.data.get(column, "") for column in self.header.columns[2:]]
        return Record(row, [smiles, record.title, *values], problem=problem)


def _free_name(name: str, taken: Collection[str]) -> str:
    """Return a name that no data field has."""
    if name not in taken:
        return name
    number, free = 1, f"molblock_{name}"
    while free in taken:
        number += 1
        free = f"molblock_{name}_{number}"
    return free
