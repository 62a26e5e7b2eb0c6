"""SMI files: on each line a molecule, and perhaps its name."""

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import IO

from servier.errors import DataError
from servier.tables.foreign import N_LINES, refuse_foreign
from servier.tables.lines import MAX_LINE, cut_marks, decode, read_lines
from servier.tables.records import Header, Record

_BLANKS = " \t\r\n"
_MOLECULE = re.compile(r"[^ \t]*(?:[ \t]+\|[^|]*\|(?![^ \t]))?")
_HEADER = re.compile(r"[# \"']*[^\s\[\],;|]*smile[^\s\[\],;|]*(.?)", re.IGNORECASE)
_EXTENDED = re.compile(r"[^ ,;\t]+ +\|[^|\t]*\|")


class SmiText:
    """A SMI file: on each line a SMILES string, then blanks or tabs and a name.

    An extension of CXSMILES, such as `|$;;R$|`, belongs to the SMILES string. A line that begins with a tab
    has no molecule, but a name. A first line such as `SMILES Name`, which RDKit writes, is a header.

    Parameters
    ----------
    stream
        Bytes, uncompressed.
    max_line
        The longest line, in bytes.

    Raises
    ------
    DataError
        It begins like a file of another kind.
    """

    def __init__(self, stream: IO[bytes], max_line: int = MAX_LINE) -> None:
        lines = read_lines(stream, max_line)
        first = list(islice(lines, N_LINES))
        if first:
            first[0] = cut_marks(first[0])[1]
        refuse_foreign(first)
        self.header = Header(["smiles", "name"], b"smiles,name")
        self.notices = _find_header(first)
        self.n_lines_before = len(self.notices)
        self._lines = chain(first[self.n_lines_before :], lines)

    def __iter__(self) -> Iterator[Record]:
        for line, raw in enumerate(self._lines, start=self.n_lines_before + 1):
            text = decode(raw).rstrip(_BLANKS).lstrip(" ")
            smiles = _find_molecule(text)
            yield Record(line, [smiles, text[len(smiles) :].lstrip(_BLANKS)])


def is_extended(text: str) -> bool:
    """Return whether a text is a SMILES string with an extension of CXSMILES, and nothing else."""
    return text.endswith("|") and _EXTENDED.fullmatch(text) is not None


def _find_header(first: list[bytes]) -> list[str]:
    """Return a notice if the first line is a header: no molecule is called something with `smile`."""
    text = decode(first[0]).strip(_BLANKS) if first else ""
    found = _HEADER.match(text)
    if not found:
        return []
    if found[1] in (",", ";", "|"):
        problem = f"its fields seem to be separated by {found[1]!r}"
        raise DataError(problem, row=1, hint="end its name in .csv")
    return [f"line 1 is a header and no row: {text!r}"]


def _find_molecule(text: str) -> str:
    """Return the SMILES string at the beginning of a text, with its extension if it has one."""
    if "|" not in text:
        return text.split(" ", 1)[0].split("\t", 1)[0]
    found = _MOLECULE.match(text)
    return found[0] if found else ""
