"""SMILES strings to molecules, and molecules to canonical SMILES."""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rdkit import Chem, rdBase

from servier.chem.changes import note_changes
from servier.chem.complaints import complaints
from servier.chem.crowding import find_crowding
from servier.chem.levels import Level
from servier.chem.smiles_text import EXTENSION, find_fault, remove_map_numbers, trim
from servier.chem.standardization import (
    NoParentError,
    is_settled,
    standardize,
    standardize_text,
)

MAX_ATOMS = 500
BONDS_PER_ATOM = 1.5
"""So many bonds are accepted for each atom that is: in large molecules they make most of the work."""
MAX_LENGTH = 5_000
CROWDED_LENGTH = 250
"""Shorter strings have too few bonds for more paths or a higher valence than are accepted."""

MAX_REASON = 200

Mol = Any
Row = tuple[str, str | None]
"""A SMILES string, and why it cannot be used, or None."""
ANY_ROW: Row = ("CCO", None)
"""A row to do for the first time what is slow then, so that no molecule of a user is charged for it."""

_HYDROGEN = "[H"
_NO_REASON = "Pre-condition Violation"
_AS_WRITTEN: Any = Chem.SmilesParserParams()
_AS_WRITTEN.sanitize = False
_AS_WRITTEN.removeHs = False
_CONSTITUTION = Chem.SanitizeFlags.SANITIZE_ALL & ~(
    Chem.SanitizeFlags.SANITIZE_FINDRADICALS
    | Chem.SanitizeFlags.SANITIZE_SETCONJUGATION
    | Chem.SanitizeFlags.SANITIZE_SETHYBRIDIZATION
    | Chem.SanitizeFlags.SANITIZE_CLEANUPCHIRALITY
    | Chem.SanitizeFlags.SANITIZE_CLEANUPATROPISOMERS
)


class Status(StrEnum):
    """The outcome of one input row."""

    OK = "ok"
    EMPTY = "empty"
    INVALID = "invalid"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class InvalidMolecule:
    """A row that has no molecule to score: a value, not an exception."""

    status: Status
    reason: str


def parse_smiles(
    smiles: str,
    max_atoms: int = MAX_ATOMS,
    *,
    constitution_only: bool = False,
    level: Level = Level.NONE,
) -> Mol | InvalidMolecule:
    """Read one SMILES string.

    Parameters
    ----------
    smiles
        The string. What nobody sees at its ends is ignored, and so are atom map numbers. Characters outside
        printable ASCII are refused, and so is white space inside it, except before a CXSMILES extension:
        `CCO |$;;R$|`.
    max_atoms
        The largest number of atoms that is accepted, not counting hydrogen that is a part of its neighbour.
    constitution_only
        Leave out stereochemistry, conjugation, hybridization and radicals. Atoms, charges, hydrogens, bonds,
        rings and aromaticity are the same, and reading takes two thirds of the time.
    level
        How far the molecule is standardized; `servier.chem.changes.changes_of` says what was changed.

    Returns
    -------
    An RDKit molecule with at least one atom, or an `InvalidMolecule`.
    """
    text = remove_map_numbers(trim(smiles))
    with rdBase.BlockLogs():
        found = _parse(text, max_atoms, level, constitution_only=constitution_only)
    return _explain_refusal(text) if found is None else found


def _parse(
    smiles: str, max_atoms: int, level: Level, *, constitution_only: bool
) -> Mol | InvalidMolecule | None:
    """Return None for a string that RDKit refuses; `smiles` is trimmed and has no map numbers."""
    problem = _check_text(smiles)
    if problem is None and len(smiles) > CROWDED_LENGTH:
        problem = _check_crowding(smiles, round(BONDS_PER_ATOM * max_atoms))
    if problem is not None:
        return problem
    told = standardize_text(smiles, level)
    if told is None:
        return _parse_standardized(smiles, max_atoms, level)
    text, changes = told
    mol = _read(text, max_atoms, constitution_only=constitution_only)
    if mol is None and changes:  # what was changed cannot be the reason that is given
        return _parse_standardized(smiles, max_atoms, level)
    if mol is None or isinstance(mol, InvalidMolecule):
        return mol
    if level is not Level.NONE and not is_settled(mol, text):
        return _parse_standardized(smiles, max_atoms, level)
    if changes:
        note_changes(mol, changes, text if constitution_only else None)
    return mol


def _parse_standardized(smiles: str, max_atoms: int, level: Level) -> Mol | InvalidMolecule | None:
    """Read a molecule as it is written, and standardize it."""
    mol = _read(smiles, max_atoms, constitution_only=False)
    if mol is None or isinstance(mol, InvalidMolecule):
        return mol
    try:
        found = standardize(mol, level)
    except NoParentError as error:
        return InvalidMolecule(Status.INVALID, str(error))
    if found.changes:
        note_changes(found.mol, found.changes, "" if found.mol is mol else None)
    return found.mol


def _read(smiles: str, max_atoms: int, *, constitution_only: bool) -> Mol | InvalidMolecule | None:
    mol = _read_constitution(smiles) if constitution_only else Chem.MolFromSmiles(smiles)
    if mol is None:
        return None
    if EXTENSION in smiles:  # which may give atoms any property
        for atom in mol.GetAtoms():
            atom.SetAtomMapNum(0)
    # Each atom and each bond takes at least one character.
    if len(smiles) > max_atoms and (problem := _check_size(mol, max_atoms)):
        return problem
    if mol.GetNumAtoms() == 0:
        return InvalidMolecule(Status.EMPTY, "no atoms")
    return mol


def _check_text(smiles: str) -> InvalidMolecule | None:
    if not smiles:
        return InvalidMolecule(Status.EMPTY, "no SMILES")
    if len(smiles) > MAX_LENGTH:
        return InvalidMolecule(Status.TOO_LARGE, f"{len(smiles)} characters, the limit is {MAX_LENGTH}")
    if fault := find_fault(smiles):
        return InvalidMolecule(Status.INVALID, fault)
    return None


def _check_crowding(smiles: str, max_bonds: int) -> InvalidMolecule | None:
    """Refuse what would take long because its atoms have many neighbours, before its rings are looked for."""
    mol = Chem.MolFromSmiles(smiles, _AS_WRITTEN)
    crowding = None if mol is None else find_crowding(mol, max_bonds)
    return InvalidMolecule(Status.TOO_LARGE, crowding) if crowding else None


def _check_size(mol: Mol, max_atoms: int) -> InvalidMolecule | None:
    # Wildcards and isotopes of hydrogen, which RDKit does not call heavy, take as long as other atoms.
    if (n_atoms := mol.GetNumAtoms()) > max_atoms:
        kind = "heavy atoms" if n_atoms == mol.GetNumHeavyAtoms() else "atoms"
        return InvalidMolecule(Status.TOO_LARGE, f"{n_atoms} {kind}, the limit is {max_atoms}")
    max_bonds = round(BONDS_PER_ATOM * max_atoms)
    if (n_bonds := mol.GetNumBonds()) > max_bonds:
        return InvalidMolecule(Status.TOO_LARGE, f"{n_bonds} bonds, the limit is {max_bonds}")
    return None


def _read_constitution(smiles: str) -> Mol | None:
    if _HYDROGEN in smiles:  # RDKit merges hydrogen atoms into their neighbours
        return Chem.MolFromSmiles(smiles)
    mol = Chem.MolFromSmiles(smiles, _AS_WRITTEN)
    if mol is None or Chem.SanitizeMol(mol, _CONSTITUTION, catchErrors=True) != Chem.SANITIZE_NONE:
        return None
    return mol


def _explain_refusal(smiles: str) -> InvalidMolecule:
    """Read a string again, and return RDKit's first complaint as the reason."""
    messages = complaints(lambda: Chem.MolFromSmiles(smiles))
    said = next((message for message in messages if message.strip("* \n")), "refused by RDKit")
    if said == _NO_REASON:
        said = "more bonds, hydrogen or charge at an atom than RDKit can count"
    said = said.split(" for input:")[0].split(" while parsing:")[0].removeprefix("SMILES Parse Error: ")
    position = re.search(r"position \d+", " ".join(messages))
    said = f"{said} around {position[0]}" if position else " ".join(said.split())[:MAX_REASON]
    return InvalidMolecule(Status.INVALID, said)


def canonical_smiles(mol: Mol) -> str:
    """Return RDKit's canonical isomeric SMILES of a molecule."""
    return str(Chem.MolToSmiles(mol))


def parse_all(
    smiles: Sequence[str], max_atoms: int = MAX_ATOMS, level: Level = Level.NONE
) -> list[Mol | InvalidMolecule]:
    """Read many SMILES strings: one result for each, in order."""
    return [parse_smiles(text, max_atoms, level=level) for text in smiles]


@dataclass(frozen=True)
class SmilesRows(Collection[Any]):
    """Molecules that are read lazily and not kept: a collection to iterate over once.

    Parameters
    ----------
    rows
        The strings.
    max_atoms, constitution_only, level
        As for `parse_smiles`.
    """

    rows: Sequence[Row]
    max_atoms: int = MAX_ATOMS
    constitution_only: bool = False
    level: Level = Level.NONE

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, item: object) -> bool:
        return any(mol is item for mol in self)

    def __iter__(self) -> Iterator[Mol | InvalidMolecule]:
        with ExitStack() as stack:
            stack.enter_context(rdBase.BlockLogs())
            for smiles, problem in self.rows:
                if problem:
                    yield InvalidMolecule(Status.INVALID, problem)
                    continue
                text = remove_map_numbers(trim(smiles))
                found = _parse(text, self.max_atoms, self.level, constitution_only=self.constitution_only)
                if found is None:
                    stack.close()
                    found = _explain_refusal(text)
                    stack.enter_context(rdBase.BlockLogs())
                yield found
