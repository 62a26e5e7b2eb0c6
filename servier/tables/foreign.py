"""Files that are no table of text, whatever their names say: they are known by how they begin."""

import re
from collections.abc import Sequence
from pathlib import Path

from servier.errors import DataError

N_LINES = 4
"""How many lines tell."""

UTF_16 = "this is not a text in UTF-8, but perhaps in UTF-16"
AS_UTF_8 = "save it as UTF-8"

_AS_TEXT = "save the table as CSV, in UTF-8"
_UNPACK = "unpack it first"
_PACK = "unpack it, or compress it with gzip or zstd"
_DOWNLOAD = "look at it in an editor: a download may have failed"
_PAIRS = re.compile(rb"\xff\xfe|\xfe\xff|(?:[^\x00]\x00){2}|(?:\x00[^\x00]){2}")
_FOREIGN = (
    (rb"PK\x03\x04", "a zip file or a spreadsheet such as .xlsx", _AS_TEXT),
    (rb"\xd0\xcf\x11\xe0", "a spreadsheet such as .xls", _AS_TEXT),
    (rb"\x1f\x8b", "compressed with gzip", _UNPACK),
    (rb"\x28\xb5\x2f\xfd", "compressed with zstd", _UNPACK),
    (rb"BZh[1-9]1AY&SY", "compressed with bzip2", _PACK),
    (rb"\xfd7zXZ\x00", "compressed with xz", _PACK),
    (rb"7z\xbc\xaf|\x04\x22\x4d\x18", "a packed file", _UNPACK),
    (rb"PAR1[^ -~\s]", "a Parquet file", "end its name in .parquet"),
    (rb"%PDF-|\{\\rtf|\x89HDF|SQLite format 3\x00|ARROW1\x00", "a file of another kind", _AS_TEXT),
    (rb"(?i)\s*<(?:!doctype|html|head|body|table|\?xml|svg|div)\b", "a web page or XML", _DOWNLOAD),
    (rb"\s*(?:\{\s*\"|\[\s*[\[{\"])", "JSON", "write it as CSV"),
    (rb"(?:[^\r\n]*(?:\r?\n|\r)){3}[^\r\n]* V[23]000\s", "an SD file", "end its name in .sdf"),
)


def refuse_foreign(lines: Sequence[bytes], path: str | Path | None = None) -> None:
    """Refuse what begins like a file of another kind.

    Parameters
    ----------
    lines
        The first lines, with their endings; of the first one without a byte-order mark.
    path
        The name of the file, for messages.

    Raises
    ------
    DataError
        It does, and the problem says like which.
    """
    start = b"".join(lines[:N_LINES])
    if _PAIRS.match(start):
        raise DataError(UTF_16, path=path, row=1, hint=AS_UTF_8)
    for pattern, what, hint in _FOREIGN:
        if re.match(pattern, start):
            raise DataError(f"this is not a table: it is {what}", path=path, row=1, hint=hint)
