"""What standardization changed of a molecule, which the molecule remembers."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from rdkit import Chem, rdBase

_SCORED, _CHANGES = "_scored_smiles", "_standardization"


def note_changes(mol: Any, changes: Sequence[str], smiles: str | None = None) -> None:
    """Have a molecule remember what was changed.

    Parameters
    ----------
    mol
        The molecule, as it will be scored.
    changes
        What was changed.
    smiles
        Any SMILES of it, if not all of it was read; empty if it was left as it is.
    """
    mol.SetProp(_CHANGES, "; ".join(changes))
    if smiles is not None:
        mol.SetProp(_SCORED, smiles)


def changes_of(mol: Any) -> tuple[str, str] | None:
    """Return the canonical SMILES of a standardized molecule, and what was changed; None if nothing was.

    Of a molecule that is left as it is, with a reason, the SMILES is empty.
    """
    if not mol.HasProp(_CHANGES):
        return None
    changes, whole = mol.GetProp(_CHANGES), mol
    if mol.HasProp(_SCORED):
        if not (smiles := mol.GetProp(_SCORED)):
            return "", changes
        with rdBase.BlockLogs():
            whole = Chem.MolFromSmiles(smiles) or mol
    return str(Chem.MolToSmiles(whole)), changes


class Noted(Collection[Any]):
    """Molecules, of which it is noted what was changed when they are first iterated over.

    Parameters
    ----------
    mols
        The molecules; iterated over once, or as often as they can be.
    """

    def __init__(self, mols: Collection[Any]) -> None:
        self._mols = mols
        self.changes: list[tuple[str, str] | None] = [None] * len(mols)

    def __len__(self) -> int:
        return len(self._mols)

    def __contains__(self, item: object) -> bool:
        return item in self._mols

    def __iter__(self) -> Iterator[Any]:
        for row, mol in enumerate(self._mols):
            if self.changes[row] is None and isinstance(mol, Chem.Mol):
                self.changes[row] = changes_of(mol)
            yield mol
