"""Mol blocks to SMILES strings."""

from rdkit import Chem, rdBase

from servier.chem.complaints import UNREADABLE, complaints
from servier.chem.molecules import MAX_REASON, InvalidMolecule, Mol, Status

_ATOM_LIST = "Unrecognized atom-list query modifier"
"""What RDKit says of a line that is too short; then it quotes a character from beyond its end."""
_DUMMY = "*"
"""What stands in a SMILES string for an atom that is no element."""
_FRAME = "****"


def smiles_of_block(block: str) -> str | InvalidMolecule:
    """Return the canonical SMILES of a mol block, V2000 or V3000; empty for one without atoms.

    Parameters
    ----------
    block
        From the title to `M  END`.

    Returns
    -------
    The string, or an `InvalidMolecule` with RDKit's reason, or with the atom or the bond that is a query.
    """
    with rdBase.BlockLogs():
        mol = Chem.MolFromMolBlock(block)
        smiles = "" if mol is None else str(Chem.MolToSmiles(mol))
        if mol is not None and not mol.HasQuery() and _DUMMY not in smiles:
            return smiles
        # RDKit has merged hydrogens, so atoms of `mol` are numbered in another way than those of the block.
        as_written = Chem.MolFromMolBlock(block, sanitize=False, removeHs=False)
    query = "" if as_written is None else _find_query(as_written)
    return InvalidMolecule(Status.INVALID, query or _explain_refusal(block))


def _find_query(mol: Mol) -> str:
    """Name the first atom or bond that stands for several ones; return nothing where there is none."""
    for number, atom in enumerate(mol.GetAtoms(), start=1):
        if atom.HasQuery() or atom.GetAtomicNum() == 0:
            label = f" ({atom.GetProp('dummyLabel')})" if atom.HasProp("dummyLabel") else ""
            return f"atom {number}{label} is a query atom, which stands for several elements or groups"
    for number, bond in enumerate(mol.GetBonds(), start=1):
        if bond.HasQuery():
            return f"bond {number} is a query bond, which stands for several kinds of bonds"
    return ""


def _explain_refusal(block: str) -> str:
    """Read a mol block again, and return RDKit's last complaint: what comes before it are warnings."""
    said = [line for line in complaints(lambda: Chem.MolFromMolBlock(block)) if line.strip()]
    if not said:
        return "no mol block"
    if said[-1] == UNREADABLE or said[-1].startswith(_ATOM_LIST):
        return _ATOM_LIST
    if said[-1] == _FRAME:  # around a violated condition, what was expected and a trace of the stack
        said = [": ".join(said[said.index(_FRAME) + 1 :][:2])]
    return " ".join(said[-1].split())[:MAX_REASON]
