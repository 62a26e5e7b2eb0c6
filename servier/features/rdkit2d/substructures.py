"""Counts of many SMARTS patterns in one molecule, with the hopeless ones left out.

Whether an atom (or two bonded atoms) fulfils a condition of `smarts_conditions` depends on
its element, charge, hydrogens and so on only. It is asked of RDKit once for each combination
of these and remembered as a bit mask. The masks of a molecule's atoms and bonds together tell
which patterns can match at all, and how often those of one atom or one bond do.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem

from servier.features.rdkit2d.molecular_graph import MolecularGraph
from servier.features.rdkit2d.smarts_conditions import (
    AtomCondition,
    BondCondition,
    Condition,
    Requirement,
    RingCondition,
    alternative_conditions,
    equivalent_condition,
)

Words = npt.NDArray[np.uint64]

_MAX_REMEMBERED: Final = 300_000
_FIELD_BITS: Final = 16
_FIELD_MASK: Final = (1 << _FIELD_BITS) - 1
_FIELD_FLAG: Final = 1 << _FIELD_BITS - 1


class PatternScreen:
    """A list of SMARTS patterns prepared for screening.

    Parameters
    ----------
    patterns
        SMARTS patterns.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self.queries = [Chem.MolFromSmarts(smarts) for smarts in patterns]
        alternatives = [alternative_conditions(smarts) for smarts in patterns]
        equivalents = [equivalent_condition(smarts) for smarts in patterns]
        self._conditions = _ConditionTable(
            [r for sets in alternatives for requirements in sets for r in requirements],
            equivalents,
        )
        masks = [self._conditions.mask(s) for sets in alternatives for s in sets]
        self._masks = np.array(masks).T.copy()
        self._owners = np.repeat(np.arange(len(patterns)), [len(sets) for sets in alternatives])
        self.fields = self._conditions.fields
        self._atoms: dict[int, tuple[int, int]] = {}
        self._bonds: dict[tuple[int, int, int], tuple[int, int]] = {}

    def screen(self, graph: MolecularGraph) -> "ScreenedMolecule":
        """Find the conditions that the atoms and bonds of a molecule fulfil.

        Parameters
        ----------
        graph
            The molecule.

        Returns
        -------
        The molecule, with the patterns that it may match.
        """
        codes = [
            code | rings << 28 | valence << 36 | isotope << 44
            for code, rings, valence, isotope in zip(
                graph.atom_codes, graph.ring_counts, graph.valences, graph.isotopes, strict=True
            )
        ]
        fulfilled = counts = 0
        atoms, bonds = self._atoms, self._bonds
        of_atoms: list[int] = []
        for index, code in enumerate(codes):
            bits, unit = atoms.get(code) or self._add_atom(code, graph.atoms[index])
            of_atoms.append(bits)
            fulfilled |= bits
            counts += unit
        for bond in graph.bonds:
            i, j, order = bond
            key = (codes[i], codes[j], order << 1 | (bond in graph.ring_bonds))
            entry = bonds.get(key)
            if entry is None:
                rdkit_bond = graph.mol.GetBondBetweenAtoms(i, j)
                entry = self._add_bond(key, rdkit_bond, of_atoms[i], of_atoms[j])
            bits, unit = entry
            fulfilled |= bits
            counts += unit
        if graph.ring_sizes:
            fulfilled |= self._conditions.evaluate_rings(graph.ring_sizes)
        missing = self._conditions.missing(fulfilled, counts)
        unmet = np.bitwise_or.reduce(self._masks & missing[:, None], axis=0)
        candidates = dict.fromkeys(self._owners[unmet == 0].tolist())
        return ScreenedMolecule(self, graph.mol, list(candidates), counts)

    def _add_atom(self, code: int, atom: Chem.Atom) -> tuple[int, int]:
        if len(self._atoms) > _MAX_REMEMBERED:
            self._atoms.clear()
        self._atoms[code] = entry = self._conditions.evaluate_atom(atom)
        return entry

    def _add_bond(self, key: tuple[int, int, int], bond: Chem.Bond, begin: int, end: int) -> tuple[int, int]:
        if len(self._bonds) > _MAX_REMEMBERED:
            self._bonds.clear()
        self._bonds[key] = entry = self._conditions.evaluate_bond(bond, begin, end)
        return entry


class ScreenedMolecule:
    """A molecule with the patterns that it may match.

    Parameters
    ----------
    screen
        The patterns.
    mol
        The molecule.
    candidates
        Positions, in ascending order, of the patterns that are not ruled out.
    counts
        Numbers of matches of the patterns of one atom or bond, in bit fields.
    """

    __slots__ = ("_candidates", "_counts", "_mol", "_screen")

    def __init__(self, screen: PatternScreen, mol: Chem.Mol, candidates: list[int], counts: int) -> None:
        self._screen = screen
        self._mol = mol
        self._candidates = candidates
        self._counts = counts

    def counts(self, patterns: range) -> list[int]:
        """Count the matches, unique by their sets of atoms, of some of the patterns.

        Parameters
        ----------
        patterns
            Positions of the patterns in the screen.

        Returns
        -------
        The number of matches of each.
        """
        numbers = [0] * len(patterns)
        for position in self._candidates:
            if position in patterns:
                field = self._screen.fields[position]
                numbers[position - patterns.start] = (
                    len(self._mol.GetSubstructMatches(self._screen.queries[position]))
                    if field is None
                    else self._counts >> field & _FIELD_MASK
                )
        return numbers

    def matching(self, patterns: range) -> int:
        """Count those of some of the patterns that match at all.

        Parameters
        ----------
        patterns
            Positions of the patterns in the screen.

        Returns
        -------
        How many of them match.
        """
        screen = self._screen
        return sum(
            [
                screen.fields[position] is not None or self._mol.HasSubstructMatch(screen.queries[position])
                for position in self._candidates
                if position in patterns
            ]
        )


class _ConditionTable:
    """Distinct conditions, numbered, with the RDKit queries that decide them."""

    def __init__(self, requirements: Iterable[Requirement], equivalents: Sequence[Condition | None]) -> None:
        required = list(dict.fromkeys(requirements))
        used = dict.fromkeys([*(c for c, _ in required), *(c for c in equivalents if c)])
        self._bonds = [c for c in used if isinstance(c, BondCondition)]
        self._rings = [c for c in used if isinstance(c, RingCondition)]
        ends = [end for bond in self._bonds for end in (bond.begin, bond.end)]
        atoms = dict.fromkeys([*(c for c in used if isinstance(c, AtomCondition)), *ends])
        numbered: list[Condition] = [*atoms, *self._bonds, *self._rings]
        self._bits = {condition: 1 << number for number, condition in enumerate(numbered)}
        self._atoms = list(atoms)
        self._bond_bits = [
            (self._bits[b], b.bond, b.in_ring, self._bits[b.begin], self._bits[b.end]) for b in self._bonds
        ]
        self._primitives = {
            smarts: Chem.MolFromSmarts(smarts) for atom in atoms for smarts in _primitives(atom)
        }
        self._bond_queries = {b.bond: Chem.MolFromSmarts(f"*{b.bond}*") for b in self._bonds}
        self.fields: list[int | None] = [None] * len(equivalents)
        self._units: list[tuple[int, int]] = []
        for position, condition in enumerate(equivalents):
            if condition is not None:
                self.fields[position] = self._add_field(condition)
        self._offsets = 0
        self._flags: dict[Requirement, int] = {}
        for condition, number in required:
            if number > 1:
                field = self._add_field(condition)
                self._offsets += (_FIELD_FLAG - number) << field
                self._flags[condition, number] = field // _FIELD_BITS
        self._bit_words = -(-len(self._bits) // 64)
        self._flag_words = -(-len(self._units) // 64)

    def _add_field(self, condition: Condition) -> int:
        field = len(self._units) * _FIELD_BITS
        self._units.append((self._bits[condition], 1 << field))
        return field

    def mask(self, requirements: Iterable[Requirement]) -> Words:
        """Return the bit mask of a set of requirements: first of conditions, then of fields of counts."""
        conditions = flags = 0
        for condition, number in requirements:
            if number == 1:
                conditions |= self._bits[condition]
            else:
                flags |= 1 << self._flags[condition, number]
        return np.concatenate([_words(conditions, self._bit_words), _words(flags, self._flag_words)])

    def missing(self, fulfilled: int, counts: int) -> Words:
        """Return the bit mask of the requirements that are not met.

        With the offset added to it, a count that reaches the number required raises the top
        bit of its field.
        """
        fields = _words(counts + self._offsets, self._flag_words * _FIELD_BITS).view(np.uint16)
        flags = np.packbits(fields >= _FIELD_FLAG, bitorder="little").view(np.uint64)
        return ~np.concatenate([_words(fulfilled, self._bit_words), flags])

    def evaluate_atom(self, atom: Chem.Atom) -> tuple[int, int]:
        """Return the bits of the atom conditions that an atom fulfils, and its addition to the counts."""
        matched = {smarts: query.GetAtomWithIdx(0).Match(atom) for smarts, query in self._primitives.items()}
        bits = sum(self._bits[c] for c in self._atoms if _holds(c, matched))
        return bits, self._unit(bits)

    def evaluate_bond(self, bond: Chem.Bond, begin: int, end: int) -> tuple[int, int]:
        """Return the bits of the bond conditions that a bond fulfils, and its addition to the counts."""
        matched = {
            smarts: query.GetBondWithIdx(0).Match(bond) for smarts, query in self._bond_queries.items()
        }
        bits, ring = 0, bond.IsInRing()
        for bit, smarts, in_ring, first, second in self._bond_bits:
            fits = (first & begin and second & end) or (first & end and second & begin)
            if fits and matched[smarts] and (ring or not in_ring):
                bits |= bit
        return bits, self._unit(bits)

    def evaluate_rings(self, sizes: Sequence[int]) -> int:
        """Return the bits of the cycles that may exist in a molecule with rings of some sizes.

        A cycle that is not one of the smallest rings is a sum of at least two of them, none
        of which is larger.
        """
        return sum(
            self._bits[condition]
            for condition in self._rings
            if condition.size in sizes or sum(s < condition.size for s in sizes) > 1
        )

    def _unit(self, bits: int) -> int:
        return sum(unit for bit, unit in self._units if bit & bits)


def _words(mask: int, number: int) -> Words:
    return np.frombuffer(mask.to_bytes(8 * number, "little"), dtype=np.uint64)


def _primitives(condition: AtomCondition) -> list[str]:
    if condition.operator == "primitives":
        return [condition.smarts]
    return [smarts for part in condition.parts for smarts in _primitives(part)]


def _holds(condition: AtomCondition, matched: dict[str, bool]) -> bool:
    if condition.operator == "primitives":
        return matched[condition.smarts]
    outcomes = (_holds(part, matched) for part in condition.parts)
    return all(outcomes) if condition.operator == "and" else any(outcomes)
