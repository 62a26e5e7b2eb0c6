"""Comparisons of two models, as a page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from servier.report.html.pages import write_page


def write_comparison(document: Mapping[str, Any], command: str, path: str | Path) -> None:
    """Write the page of a comparison.

    Parameters
    ----------
    document
        What `servier.evaluation.compare.as_document` returns.
    command
        The command line.
    path
        The file.
    """
    write_page("comparison", path, found=document, command=command)
