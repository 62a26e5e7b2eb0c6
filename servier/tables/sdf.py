"""SD files: mol blocks with data fields."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rdkit import Chem, rdBase

from servier.errors import DataError
from servier.tables.records import Header, Record
from servier.tables.writing import encode_row

END_OF_RECORD = "$$$$"


class SdFile:
    """An SD file as a table: `smiles`, `name`, and the data fields that its first record has.

    Parameters
    ----------
    stream
        Bytes, uncompressed.
    path
        Its name, for messages.

    Raises
    ------
    DataError
        The file is empty.
    """

    def __init__(self, stream: IO[bytes], path: str | Path) -> None:
        self._blocks = _split_records(stream)
        self._first = next(self._blocks, None)
        if self._first is None:
            raise DataError("this file is empty", path=path)
        columns = [
            "smiles",
            "name",
            *(name for name in _data_fields(self._first) if name not in ("smiles", "name")),
        ]
        self.header = Header(columns, encode_row(columns, Header(columns, b"")))

    def __iter__(self) -> Iterator[Record]:
        assert self._first is not None
        yield self._read(1, self._first)
        for row, block in enumerate(self._blocks, start=2):
            yield self._read(row, block)

    def _read(self, row: int, block: list[str]) -> Record:
        with rdBase.BlockLogs():
            mol = Chem.MolFromMolBlock("\n".join(block))
        values = _data_fields(block) | {
            "smiles": "" if mol is None else Chem.MolToSmiles(mol),
            "name": block[0].strip(),
        }
        fields = [values.get(column, "") for column in self.header.columns]
        problem = "unreadable mol block" if mol is None else None
        return Record(row, fields, problem=problem)


def _split_records(stream: IO[bytes]) -> Iterator[list[str]]:
    block: list[str] = []
    for raw in stream:
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        if line.startswith(END_OF_RECORD):
            yield block or [""]
            block = []
        else:
            block.append(line)
    if any(line.strip() for line in block):
        yield block


def _data_fields(block: list[str]) -> dict[str, str]:
    """Return the data fields of a record: after a line `> <name>`, the lines up to a blank one."""
    values: dict[str, str] = {}
    name = None
    for line in block:
        if line.startswith(">") and "<" in line:
            name = line[line.index("<") + 1 : line.rindex(">")]
            values[name] = ""
        elif not line.strip():
            name = None
        elif name is not None:
            values[name] += f"\n{line}" if values[name] else line
    return values
