"""Mol blocks to SMILES strings."""

import re

from rdkit import Chem, rdBase

from servier.chem.complaints import UNREADABLE, complaints
from servier.chem.molecules import MAX_REASON, InvalidMolecule, Mol, Status

_ATOM_LIST = "Unrecognized atom-list query modifier"
"""What RDKit says of a line that is too short; then it quotes a character from beyond its end."""
_DUMMY = "*"
"""What stands in a SMILES string for an atom that is no element."""
_FRAME = "****"
_SEVERAL = re.compile(
    r"^M  (?:LIN|APO|STY|V30 (?:LINKNODE|BEGIN SGROUP|.*(?:ATTCHPT|ENDPTS)=))", re.MULTILINE
)
"""Lines that may say that a mol block stands for several molecules, or for a part of one."""
_POLYMERS = frozenset(("SRU", "MON", "MER", "COP", "CRO", "GRA", "MOD", "ANY"))


def smiles_of_block(block: str) -> str | InvalidMolecule:
    """Return the canonical SMILES of a mol block, V2000 or V3000; empty for one without atoms.

    Parameters
    ----------
    block
        From the title to `M  END`.

    Returns
    -------
    The string, or an `InvalidMolecule` with RDKit's reason, or with what stands for several molecules.
    """
    with rdBase.BlockLogs():
        mol = Chem.MolFromMolBlock(block)
        smiles = "" if mol is None else str(Chem.MolToSmiles(mol))
        if mol is not None and not (mol.HasQuery() or _DUMMY in smiles or _SEVERAL.search(block)):
            return smiles
        # RDKit has merged hydrogens, so atoms of `mol` are numbered in another way than those of the block.
        as_written = Chem.MolFromMolBlock(block, sanitize=False, removeHs=False)
    query = "" if as_written is None else _find_query(as_written) or _find_several(as_written)
    if mol is not None and not query:
        return smiles
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


def _find_several(mol: Mol) -> str:
    """Name what makes a mol block stand for several molecules or a part of one; return nothing for one."""
    for number, atom in enumerate(mol.GetAtoms(), start=1):
        if atom.HasProp("molAttchpt"):
            return f"atom {number} is a point of attachment, so this is a part of a molecule"
    for number, bond in enumerate(mol.GetBonds(), start=1):
        if bond.HasProp("_MolFileBondAttach") and bond.GetProp("_MolFileBondAttach") == "ANY":
            return f"bond {number} ends at one of several atoms"
    if mol.HasProp("_molLinkNodes"):
        return "a link node stands for chains of several lengths"
    kinds = (group.GetProp("TYPE") for group in Chem.GetMolSubstanceGroups(mol))
    polymer = next((kind for kind in kinds if kind in _POLYMERS), None)
    return f"brackets ({polymer}) stand for a polymer" if polymer else ""


def _explain_refusal(block: str) -> str:
    """Read a mol block again, and return RDKit's last complaint: what comes before it are warnings."""
    said = [line for line in complaints(lambda: Chem.MolFromMolBlock(block)) if line.strip()]
    if not said:
        return "RDKit does not say why it refuses this mol block" if block.strip() else "no mol block"
    if said[-1] == UNREADABLE or said[-1].startswith(_ATOM_LIST):
        return _ATOM_LIST
    if said[-1] == _FRAME:  # around a violated condition, what was expected and a trace of the stack
        said = [": ".join(said[said.index(_FRAME) + 1 :][:2])]
    return " ".join(said[-1].split())[:MAX_REASON]
