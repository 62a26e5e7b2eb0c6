"""Necessary conditions of SMARTS patterns, in terms of single atoms, bonds and cycles.

A pattern can match only if every one of its atoms and every one of its bonds can be found
in the molecule on its own, and equal ones as often as the pattern has them. The conditions
are read from the SMARTS text: an atom expression is reduced to its plain primitives, negated
recursive expressions are dropped, and a recursive expression that must hold brings the
conditions of its own pattern with it. A cycle of the pattern needs a cycle of as many atoms,
and bonds in cycles. Alternatives between recursive expressions give alternative sets of
conditions.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Literal

from rdkit import Chem

_MAX_ALTERNATIVES: Final = 32
_ATOM_SYMBOL: Final = re.compile(r"Cl|Br|[BCNOPSFIbcnopsaA*]")
_HYDROGEN: Final = re.compile(r"H(?![a-z])")
_ANY_BOND: Final = "~"


@dataclass(frozen=True, slots=True)
class AtomCondition:
    """Boolean expression over SMARTS of single atoms without recursive parts.

    Parameters
    ----------
    operator
        Kind of expression; an empty "and" always holds.
    smarts
        SMARTS of one atom, for "primitives".
    parts
        Operands, for "and" and "or".
    """

    operator: Literal["primitives", "and", "or"]
    smarts: str = ""
    parts: tuple["AtomCondition", ...] = ()


@dataclass(frozen=True, slots=True)
class BondCondition:
    """Two atom conditions, and the SMARTS and the ring membership of the bond between them."""

    begin: AtomCondition
    bond: str
    end: AtomCondition
    in_ring: bool


@dataclass(frozen=True, slots=True)
class RingCondition:
    """Presence of a cycle of a number of atoms."""

    size: int


Condition = AtomCondition | BondCondition | RingCondition
Requirement = tuple[Condition, int]
"""A condition and the number of distinct atoms or bonds that must fulfil it."""

ANY_ATOM: Final = AtomCondition("and")


@dataclass(frozen=True, slots=True)
class _Conjunction:
    """Part of an atom expression between two commas or semicolons."""

    primitives: str
    recursive: tuple[str, ...]
    is_leading: bool


def alternative_conditions(smarts: str) -> list[frozenset[Requirement]]:
    """Derive sets of conditions of which at least one must hold for a pattern to match.

    Parameters
    ----------
    smarts
        A SMARTS pattern.

    Returns
    -------
    Alternative sets; where the pattern matches, all requirements of at least one set are
    met.
    """
    expressions = [_parse_expression(text) for text in _atom_expressions(smarts)]
    alternatives: list[frozenset[Requirement]] = [_plain_conditions(smarts, expressions)]
    for group in (group for expression in expressions for group in expression):
        choices = [choice for part in group for choice in _recursive_conditions(part)]
        if len(alternatives) * len(choices) <= _MAX_ALTERNATIVES:
            alternatives = [a | c for a, c in product(alternatives, choices)]
    return list(dict.fromkeys(alternatives))


def equivalent_condition(smarts: str) -> Condition | None:
    """Find the condition that a pattern of one atom or of one bond is equivalent to.

    Parameters
    ----------
    smarts
        A SMARTS pattern.

    Returns
    -------
    A condition that holds for just the atoms or bonds that the pattern matches; None
    if the pattern is larger or has recursive parts.
    """
    query = Chem.MolFromSmarts(smarts)
    if "$" in smarts or (query.GetNumAtoms(), query.GetNumBonds()) not in {(1, 0), (2, 1)}:
        return None
    conditions = [_relax(_parse_expression(text)) for text in _atom_expressions(smarts)]
    if ANY_ATOM in conditions:
        return None
    if len(conditions) == 1:
        return conditions[0]
    bond = _bond_smarts(query.GetBondWithIdx(0))
    return None if bond == _ANY_BOND else _bond_condition(conditions, bond, in_ring=False)


def _plain_conditions(smarts: str, expressions: list[list[list[_Conjunction]]]) -> frozenset[Requirement]:
    query = Chem.MolFromSmarts(smarts)
    if query.GetNumAtoms() != len(expressions):
        raise ValueError(f"atoms of SMARTS not recognized: {smarts}")
    atoms = [_relax(expression) for expression in expressions]
    conditions: Counter[Condition] = Counter(a for a in atoms if a != ANY_ATOM)
    Chem.FastFindRings(query)
    for bond in query.GetBonds():
        ends = [atoms[bond.GetBeginAtomIdx()], atoms[bond.GetEndAtomIdx()]]
        conditions[_bond_condition(ends, _bond_smarts(bond), bond.IsInRing())] += 1
    for size in {len(ring) for ring in query.GetRingInfo().AtomRings()}:
        conditions[RingCondition(size)] = 1
    return frozenset(conditions.items())


def _bond_condition(ends: list[AtomCondition], bond: str, in_ring: bool) -> BondCondition:
    begin, end = sorted(ends, key=repr)
    return BondCondition(begin, bond, end, in_ring)


def _bond_smarts(bond: Any) -> str:
    """Return the SMARTS of a bond, or that of any bond if it cannot be written by itself."""
    smarts: str = bond.GetSmarts()
    rebuilt = Chem.MolFromSmarts(f"*{smarts}*").GetBondWithIdx(0)
    return smarts if rebuilt.DescribeQuery() == bond.DescribeQuery() else _ANY_BOND


def _recursive_conditions(part: _Conjunction) -> list[frozenset[Requirement]]:
    alternatives: list[frozenset[Requirement]] = [frozenset()]
    for smarts in part.recursive:
        choices = alternative_conditions(smarts)
        alternatives = [a | c for a, c in product(alternatives, choices)]
    return alternatives


def _relax(expression: list[list[_Conjunction]]) -> AtomCondition:
    groups = [_join("or", [_relax_conjunction(part) for part in group]) for group in expression]
    return _join("and", groups)


def _relax_conjunction(part: _Conjunction) -> AtomCondition:
    operands: list[AtomCondition] = []
    # A leading H can be read as an atom or as a number of hydrogens: nothing is required then.
    if part.primitives and not (part.is_leading and _HYDROGEN.match(part.primitives)):
        operands.append(AtomCondition("primitives", f"[*&{part.primitives}]"))
    operands += [_relax(_parse_expression(next(_atom_expressions(smarts)))) for smarts in part.recursive]
    return _join("and", operands)


def _join(operator: Literal["and", "or"], parts: list[AtomCondition]) -> AtomCondition:
    if operator == "or" and ANY_ATOM in parts:
        return ANY_ATOM
    kept = tuple(dict.fromkeys(part for part in parts if part != ANY_ATOM))
    return kept[0] if len(kept) == 1 else AtomCondition(operator, parts=kept)


def _atom_expressions(smarts: str) -> Iterator[str]:
    """Iterate over the contents of the brackets, or the symbols, of the atoms of a pattern in their order."""
    position = 0
    while position < len(smarts):
        if smarts[position] == "[":
            end = _closing(smarts, position)
            yield smarts[position + 1 : end]
            position = end + 1
        elif symbol := _ATOM_SYMBOL.match(smarts, position):
            yield symbol.group()
            position = symbol.end()
        else:
            position += 1


def _closing(text: str, start: int) -> int:
    """Return the position of the bracket or parenthesis that closes the one at the start."""
    depth = 0
    for position in range(start, len(text)):
        if text[position] in "([":
            depth += 1
        elif text[position] in ")]":
            depth -= 1
            if depth == 0:
                return position
    raise ValueError(f"unbalanced SMARTS: {text}")


def _parse_expression(text: str) -> list[list[_Conjunction]]:
    """Split an atom expression at ';' and then at ','."""
    return [
        [_parse_conjunction(part, text.startswith(part)) for part in _split(group, ",")]
        for group in _split(text, ";")
    ]


def _split(text: str, separator: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _parse_conjunction(text: str, is_leading: bool) -> _Conjunction:
    primitives, recursive, position = "", [], 0
    while (start := text.find("$(", position)) >= 0:
        end = _closing(text, start + 1)
        before = text[position:start]
        if not before.endswith("!"):
            recursive.append(text[start + 2 : end])
        primitives += before.rstrip("!") + "&"
        position = end + 1
    primitives = re.sub("&+", "&", primitives + text[position:]).strip("&")
    return _Conjunction(primitives, tuple(recursive), is_leading)
