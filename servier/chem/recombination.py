"""Molecules made from others: by exchange of fragments, and by small changes.

References
----------
Degen et al., On the art of compiling and using 'drug-like' chemical fragment spaces, ChemMedChem 2008, 3,
1503, doi:10.1002/cmdc.200800178: the bonds at which molecules are cut. Papadatos and Brown, In silico
applications of bioisosterism, WIREs Comput. Mol. Sci. 2013, 3, 339, doi:10.1002/wcms.1148: changes that
medicinal chemists make.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from rdkit import Chem, rdBase
from rdkit.Chem import BRICS, rdChemReactions

from servier.chem.molecules import Mol, canonical_smiles

CHANGES = (
    "[cH:1]>>[c:1]F", "[cH:1]>>[c:1]Cl", "[cH:1]>>[c:1]C", "[cH:1]>>[c:1]OC", "[cH:1]>>[c:1]C#N",
    "[cH:1]>>[n:1]", "[cH:1]>>[c:1]C(F)(F)F", "[c:1]F>>[c:1]Cl", "[c:1]Cl>>[c:1]F", "[c:1]Cl>>[c:1]C",
    "[c:1]Br>>[c:1]Cl", "[c:1][CH3]>>[cH:1]", "[c:1][CH3]>>[c:1]Cl", "[c:1]O[CH3]>>[c:1]O",
    "[c:1]O[CH3]>>[cH:1]", "[n:1]>>[cH:1]", "[CX4;!H0:1]>>[C:1]C", "[CX4;!H0:1]>>[C:1]F",
    "[CX4;!H0:1]>>[C:1]O", "[C:1][CH3]>>[C:1]", "[C:1][OH]>>[C:1]OC",
    "[CH2:1][CH2:2][CH2:3]>>[CH2:1]O[CH2:3]", "[CH2:1][CH2:2]>>[CH2:1]C[CH2:2]",
    "[CH2:1]O[CH2:2]>>[CH2:1]C[CH2:2]", "[NX3;H1;!$(N=*):1]>>[N:1]C", "[NX3:1][CH3]>>[N:1]",
    "[O:1]=[C:2][OH]>>[O:1]=[C:2]OC", "[O:1]=[C:2][OH]>>[O:1]=[C:2]N",
)  # fmt: skip
"""Small changes as reactions, of which each gives one product."""

ATTEMPTS = 20
"""So many attempts are made for each molecule that is asked for."""
MAX_SHARE = 0.05
"""So many of the parents may be smaller than all that is made, and as many larger."""

Kind = tuple[str, str]


class _Piece(NamedTuple):
    """A part of a molecule that was cut off at a bond.

    Parameters
    ----------
    kind
        The kinds of both ends of the bond, in the order of BRICS.
    side
        Which of these ends it has.
    smiles
        The part, with `[*:1]` for the rest.
    """

    kind: Kind
    side: int
    smiles: str


@cache
def _reactions() -> list[Any]:
    return [rdChemReactions.ReactionFromSmarts(change) for change in CHANGES]


def make_molecules(parents: Sequence[Mol], n: int, seed: int) -> list[str]:
    """Make molecules that resemble others.

    Half of them are two pieces of parents that were cut at a bond of the same kind, half are parents or such
    molecules with one or two small changes. Sizes are those of parents. Parents, the same parents, and a seed
    always give the same molecules.

    Parameters
    ----------
    parents
        The molecules.
    n
        How many are made at most; of few parents fewer can be made.
    seed
        Of all choices.

    Returns
    -------
    Canonical SMILES, each once, and none that is a parent.
    """
    with rdBase.BlockLogs():
        return list(islice(_Maker(parents, seed).make(ATTEMPTS * n), n)) if parents else []


class _Maker:
    """Makes molecules of parents; the order of these does not matter."""

    def __init__(self, parents: Sequence[Mol], seed: int) -> None:
        self._known = {canonical_smiles(mol) for mol in parents}
        self._pool = sorted(self._known)
        sizes = sorted(mol.GetNumHeavyAtoms() for mol in parents)
        beyond = int(MAX_SHARE * len(sizes))
        self._sizes = range(sizes[beyond], sizes[-1 - beyond] + 1)
        self._pieces = sorted({piece for smiles in self._pool for piece in _cut(Chem.MolFromSmiles(smiles))})
        self._partners: dict[tuple[Kind, int], list[str]] = defaultdict(list)
        for kind, side, smiles in self._pieces:
            self._partners[kind, side].append(smiles)
        self._rng = random.Random(seed)  # noqa: S311 - nothing is secret

    def make(self, n_attempts: int) -> Iterator[str]:
        """Try so often to make a molecule; yield those that are new."""
        for attempt in range(n_attempts):
            mol = self._join() if attempt % 2 and self._pieces else self._change()
            if mol is None or mol.GetNumHeavyAtoms() not in self._sizes:
                continue
            smiles = canonical_smiles(mol)
            if smiles not in self._known:
                self._known.add(smiles)
                self._pool.append(smiles)
                yield smiles

    def _join(self) -> Mol | None:
        """Join a piece with another that was cut off at the other end of a bond of the same kind."""
        kind, side, smiles = self._rng.choice(self._pieces)
        both = Chem.MolFromSmiles(f"{smiles}.{self._rng.choice(self._partners[kind, 1 - side])}")
        return None if both is None else _finish(Chem.molzip(both))

    def _change(self) -> Mol | None:
        """Change one or two things of a parent, or of what was made already."""
        mol: Mol | None = Chem.MolFromSmiles(self._rng.choice(self._pool))
        for _ in range(self._rng.randint(1, 2)):
            products = self._rng.choice(_reactions()).RunReactants((mol,)) if mol is not None else ()
            if products:
                mol = _finish(self._rng.choice(products)[0])
        return mol


def _finish(mol: Mol) -> Mol | None:
    """Read a molecule as it will be read by others; None where it is none."""
    if Chem.SanitizeMol(mol, catchErrors=True) != Chem.SANITIZE_NONE:
        return None
    return Chem.MolFromSmiles(canonical_smiles(mol))


def _cut(mol: Mol) -> Iterator[_Piece]:
    """Cut a molecule at each of the bonds that BRICS finds, one at a time."""
    for (atom, other), kind in BRICS.FindBRICSBonds(mol):
        bond = mol.GetBondBetweenAtoms(atom, other).GetIdx()
        apart = Chem.FragmentOnBonds(mol, [bond], dummyLabels=[(0, 0)])
        for dummy in apart.GetAtoms():
            if dummy.GetIdx() >= mol.GetNumAtoms():
                dummy.SetAtomMapNum(1)
        for part in Chem.GetMolFrags(apart):
            if (atom in part) != (other in part):
                smiles = str(Chem.MolFragmentToSmiles(apart, part))
                yield _Piece((str(kind[0]), str(kind[1])), int(other in part), smiles)
