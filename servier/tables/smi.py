"""SMI files: on each line a molecule, and perhaps its name."""

import re
from collections.abc import Iterator
from typing import IO

from servier.tables.lines import BOM, decode, read_lines
from servier.tables.records import Header, Record

_BLANKS = " \t\r\n"
_MOLECULE = re.compile(r"[^ \t]*(?:[ \t]+\|[^|]*\|(?![^ \t]))?")
_EXTENDED = re.compile(r"[^ ,;\t]+ +\|[^|\t]*\|")


class SmiText:
    """A SMI file: on each line a SMILES string, then blanks or tabs and a name; no header line.

    An extension of CXSMILES, such as `|$;;R$|`, belongs to the SMILES string.

    Parameters
    ----------
    stream
        Bytes, uncompressed.
    """

    n_lines_before = 0

    def __init__(self, stream: IO[bytes]) -> None:
        self._lines = read_lines(stream)
        self.header = Header(["smiles", "name"], b"smiles,name")

    def __iter__(self) -> Iterator[Record]:
        for line, raw in enumerate(self._lines, start=1):
            text = decode(raw.removeprefix(BOM) if line == 1 else raw).strip(_BLANKS)
            smiles = _find_molecule(text)
            yield Record(line, [smiles, text[len(smiles) :].lstrip(_BLANKS)])


def is_extended(text: str) -> bool:
    """Return whether a text is a SMILES string with an extension of CXSMILES, and nothing else."""
    return text.endswith("|") and _EXTENDED.fullmatch(text) is not None


def _find_molecule(text: str) -> str:
    """Return the SMILES string at the beginning of a text, with its extension if it has one."""
    if "|" not in text:
        return text.split(" ", 1)[0].split("\t", 1)[0]
    found = _MOLECULE.match(text)
    return found[0] if found else ""
