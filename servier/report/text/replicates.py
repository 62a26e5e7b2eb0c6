"""How far labels of one molecule differ, as text."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from servier.data.replicates import Replicates


def describe_replicates(quantity: str, found: "Replicates") -> str:
    """Return a sentence on the labels of molecules that have several, and one on what that limits.

    Parameters
    ----------
    quantity
        The target, perhaps with its unit.
    found
        How far its labels differ.
    """
    many = "1 molecule has" if found.molecules == 1 else f"{found.molecules:,} molecules have"
    spread = f"standard deviation {found.spread:.4g}"
    if found.task != "regression":
        spread = f"{found.spread:.1%} of pairs differ"
    text = f"{quantity}: {many} several labels, {found.alike:,} of them equal ones only; {spread}."
    if not found.best and found.alike == found.molecules:
        return f"{text} They may be copies, and do not say how exact labels are."
    if not found.best and found.are_many:
        return f"{text} They differ as those of any two molecules do: nothing was measured again."
    if not found.best:
        return f"{text} That is too little to say what a model can reach."
    best = ", ".join(f"{name} {value:.4f}" for name, value in found.best.items())
    return f"{text} The best that a model can reach on single measurements: {best}."
