"""Predictions and explanations of one molecule as text."""

from collections.abc import Mapping
from typing import Any

from servier.report.text.text_tables import text_table

SHOWN_ATOMS, SHOWN_SUBSTRUCTURES = 12, 8


def describe_answer(answer: Mapping[str, Any]) -> str:
    """Return the prediction for one molecule, one value per line."""
    return "\n".join(f"{name}: {value}" for name, value in answer.items() if name != "smile")


def describe_explanation(document: Mapping[str, Any]) -> str:
    """Return the prediction for one molecule and the largest contributions to it.

    Parameters
    ----------
    document
        The prediction, and what `servier.explaining.atoms.as_document` returns.
    """
    name, unit = document["target"], document["unit"]
    shared = document["score"] - document["all_atoms_masked"]
    lines = [f"{key}: {value}" for key, value in document.items() if key.startswith((f"{name}_", "model_"))]
    if "scored_smiles" in document:
        lines.append(f"scored as {document['scored_smiles']}, in whose order atoms are numbered")
    lines += [
        "",
        f"score, {unit}: {document['score']:.3f}",
        f"all atoms masked {document['all_atoms_masked']:+.3f}, the atoms together {shared:+.3f}",
    ]
    atoms = [
        (str(atom["index"]), atom["symbol"], f"{atom['contribution']:+.3f}")
        for atom in document["atoms"][:SHOWN_ATOMS]
    ]
    lines += ["", *text_table(("atom", "symbol", "contribution"), atoms)]
    lines += _say_more(len(document["atoms"]) - SHOWN_ATOMS)
    parts = [
        (part["smiles"], str(part["count"]), f"{part['contribution']:+.3f}")
        for part in document["substructures"][:SHOWN_SUBSTRUCTURES]
    ]
    if parts:
        lines += ["", *text_table(("substructure of model 1", "count", "contribution"), parts)]
        lines += _say_more(len(document["substructures"]) - SHOWN_SUBSTRUCTURES)
    return "\n".join(lines)


def _say_more(n: int) -> list[str]:
    return [f"and {n} more, which --json prints"] if n > 0 else []
