"""What standardization changed of a molecule, which the molecule remembers."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
    """Molecules, of which something is noted when they are first iterated over.

    Parameters
    ----------
    mols
        The molecules; iterated over once, or as often as they can be.
    looks
        What is noted of a molecule, such as `changes_of`, by name. Afterwards `notes` has it for each row,
        None for a row without a molecule.
    """

    def __init__(self, mols: Collection[Any], looks: Mapping[str, Callable[[Any], Any]]) -> None:
        self._mols, self._looks, self._n_noted = mols, looks, 0
        self.notes: dict[str, list[Any]] = {name: [None] * len(mols) for name in looks}

    def __len__(self) -> int:
        return len(self._mols)

    def __contains__(self, item: object) -> bool:
        return item in self._mols

    def __iter__(self) -> Iterator[Any]:
        for row, mol in enumerate(self._mols):
            if row == self._n_noted:
                self._n_noted += 1
                if isinstance(mol, Chem.Mol):
                    for name, look in self._looks.items():
                        self.notes[name][row] = look(mol)
            yield mol
