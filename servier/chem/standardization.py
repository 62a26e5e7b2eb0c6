"""One form for each compound: without salts, charges, isotope labels or tautomers, as far as a level says.

The steps are RDKit's. Which fragment is the parent is decided by `_rank`, whatever the order of the atoms.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

from rdkit import Chem, rdBase

from servier.chem.counter_ions import CARBON, is_counter_ion
from servier.chem.levels import Level
from servier.chem.written_charges import (
    ANION_BESIDE_SULFUR,
    CHARGED_SULFUR,
    charge_sulfoxides,
    drop_counter_ions,
    has_carbon,
    may_have_sulfoxide,
    neutralize,
)

Mol = Any

MAX_TAUTOMERS = 200
MAX_TRANSFORMS = 200
MAX_TAUTOMER_ATOMS = 150
"""With more heavy atoms RDKit takes seconds to minutes for tautomers, whatever their number."""
MAX_ROUNDS = 4

_ALKALI = (3, 11, 19, 37, 55, 87, 4, 12, 20, 38, 56, 88)
_ISOTOPE = re.compile(r"\[\d")

METALS = "metals disconnected"
GROUPS = "groups normalized"
FRAGMENTS = "other fragments removed"
CHARGES = "neutralized"
ISOTOPES = "isotope labels removed"
TAUTOMER = "canonical tautomer"
AS_WRITTEN = "metal complex, scored as written"
TOO_LARGE = "too large for tautomers"


class NoParentError(ValueError):
    """All fragments are counter-ions or solvents without carbon."""


class _Tools:
    """RDKit's tools, which take milliseconds to load and to make, and few molecules need."""

    def __init__(self) -> None:
        from rdkit.Chem.MolStandardize import rdMolStandardize

        self.remove_isotopes = partial(rdMolStandardize.IsotopeParent, skipStandardize=True)
        self.metals = rdMolStandardize.MetalDisconnector()
        self.groups = rdMolStandardize.Normalizer()
        self.charges = rdMolStandardize.Uncharger(canonicalOrder=True, force=True)
        self.tautomers = rdMolStandardize.TautomerEnumerator()
        self.tautomers.SetMaxTautomers(MAX_TAUTOMERS)
        self.tautomers.SetMaxTransforms(MAX_TRANSFORMS)
        metal = self.metals.MetalNof.split("~")[0]
        self.bonded_metal = Chem.MolFromSmarts(f"{metal}~*")
        not_alkali = ";".join(f"!#{number}" for number in _ALKALI)
        self.complex = Chem.MolFromSmarts(f"[{metal[1:-1]};{not_alkali}]~*")
        self.aromatic_anion = Chem.MolFromSmarts("[c-]")
        self.charged_sulfoxide = Chem.MolFromSmarts("[!O][S+;X3]([O-])[!O]")
        self.sulfoxide = Chem.MolFromSmarts("[!O][S+0;X3](=O)[!O]")


@cache
def _tools() -> _Tools:
    return _Tools()


@dataclass(frozen=True, slots=True)
class Standardized:
    """A molecule in its standard form.

    Parameters
    ----------
    mol
        The molecule.
    changes
        What was done to it, in the order in which it was done, or why it was left as it is.
    """

    mol: Mol
    changes: tuple[str, ...] = ()


class _Form(NamedTuple):
    """A molecule with its atoms in the order of its canonical SMILES."""

    smiles: str
    mol: Mol


def standardize(mol: Mol, level: Level) -> Standardized:
    """Bring a molecule into its standard form.

    Metals are disconnected from N, O, F and halogens, groups that are drawn in several ways are normalized,
    the parent fragment is chosen, and charges are neutralized by adding and removing protons, whether or not
    a charge that must stay is balanced by another one: so each protonation state has the same form. Then
    isotope labels are removed, and the canonical tautomer is taken, where the level says so.

    The parent is the fragment that is no counter-ion or solvent (`servier.chem.counter_ions`), has carbon,
    has most heavy atoms, and is first in the alphabetical order of canonical SMILES, in this order of
    importance. A fragment in which a metal stays bonded, and one without carbon that a metal was taken from,
    is a complex: the molecule is left as it is.

    Parameters
    ----------
    mol
        A molecule that RDKit has read, without map numbers; it is not changed.
    level
        How far to go.

    Raises
    ------
    NoParentError
        There is nothing but counter-ions and solvents without carbon.
    """
    if level is Level.NONE:
        return Standardized(mol)
    with rdBase.BlockLogs():
        first = form = _in_order(mol)
        changes: list[str] = []
        for _ in range(MAX_ROUNDS):
            before = form
            form, found = _standardize_once(before, level)
            changes += [change for change in found if change not in changes]
            if form.smiles == before.smiles or _is_standard(form, level):
                break
        if form.smiles == first.smiles:
            reasons = tuple(change for change in changes if change in {AS_WRITTEN, TOO_LARGE})
            return Standardized(mol, reasons)
        return Standardized(form.mol, tuple(changes))


def _in_order(mol: Mol) -> _Form:
    """Return a molecule with its atoms in the order of its canonical SMILES."""
    smiles = str(Chem.MolToSmiles(mol))
    read = Chem.MolFromSmiles(smiles)
    if read is None:  # RDKit does not always read back what it wrote
        read = Chem.RenumberAtoms(mol, list(mol.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"]))
    return _Form(smiles, read)


def find_components(mol: Mol) -> list[Mol]:
    """Return the neutralized fragments that are no counter-ions or solvents, or else those with carbon."""
    with rdBase.BlockLogs():
        neutral = [_uncharge(fragment) for fragment in Chem.GetMolFrags(mol, asMols=True)]
        others = [fragment for fragment in neutral if not is_counter_ion(fragment)]
    return others or [fragment for fragment in neutral if not _lacks_carbon(fragment)]


def _is_standard(form: _Form, level: Level) -> bool:
    """Say whether the text alone tells that a molecule is in its standard form."""
    told = standardize_text(form.smiles, level)
    return told == (form.smiles, ()) and is_settled(form.mol, form.smiles)


def _standardize_once(form: _Form, level: Level) -> tuple[_Form, list[str]]:
    """Return the standard form, and what was changed."""
    tools = _tools()
    changes: list[str] = []
    apart = tools.metals.Disconnect(form.mol)
    if apart.GetNumBonds() != form.mol.GetNumBonds():
        changes.append(METALS)
    normal = tools.groups.normalize(apart)
    if _differ(normal, apart):
        changes.append(GROUPS)
    fragments: Sequence[Mol] = [normal]
    if len(Chem.GetMolFrags(normal)) > 1:
        fragments = Chem.GetMolFrags(normal, asMols=True)
        changes.append(FRAGMENTS)
    neutral = [_uncharge(fragment) for fragment in fragments]
    chosen = _choose_parent(neutral, was_complex=form.mol.HasSubstructMatch(tools.complex))
    if chosen is None:
        return form, [AS_WRITTEN]
    if _differ(neutral[chosen], fragments[chosen]):
        changes.append(CHARGES)
    found = _in_order(neutral[chosen]) if changes else form
    return _relabel(found, level, changes), changes


def _uncharge(mol: Mol) -> Mol:
    """Neutralize charges; where that makes an aromatic atom of an anion impossible, of its Kekule form."""
    neutral = _tools().charges.uncharge(mol)
    if not mol.HasSubstructMatch(_tools().aromatic_anion):
        return neutral
    if Chem.MolFromSmiles(Chem.MolToSmiles(neutral)) is not None:
        return neutral
    kekule = Chem.Mol(mol)
    Chem.Kekulize(kekule, clearAromaticFlags=True)
    neutral = _tools().charges.uncharge(kekule)
    Chem.SanitizeMol(neutral)
    return neutral


def _differ(mol: Mol, other: Mol) -> bool:
    """Compare molecules, which are the same to the byte if nothing was done."""
    return mol.ToBinary() != other.ToBinary() and bool(Chem.MolToSmiles(mol) != Chem.MolToSmiles(other))


def _choose_parent(fragments: Sequence[Mol], *, was_complex: bool) -> int | None:
    """Return which of the neutralized fragments is the parent; None for a metal complex."""
    chosen = 0
    if len(fragments) > 1:
        ranks = [_rank(fragment) for fragment in fragments]
        chosen = ranks.index(min(ranks))
    parent = fragments[chosen]
    if parent.HasSubstructMatch(_tools().bonded_metal) or (was_complex and _lacks_carbon(parent)):
        return None
    if _lacks_carbon(parent) and is_counter_ion(parent):
        raise NoParentError("there is nothing but single atoms, counter-ions or solvents")
    return chosen


def _lacks_carbon(mol: Mol) -> bool:
    return all(atom.GetAtomicNum() != CARBON for atom in mol.GetAtoms())


def _rank(fragment: Mol) -> tuple[bool, bool, int, str]:
    """Return what is smallest for the parent."""
    return (
        is_counter_ion(fragment),
        _lacks_carbon(fragment),
        -fragment.GetNumHeavyAtoms(),
        str(Chem.MolToSmiles(fragment)),
    )


def _relabel(form: _Form, level: Level, changes: list[str]) -> _Form:
    """Remove isotope labels and choose the tautomer, as the level says."""
    if level in {Level.ISOTOPE_PARENT, Level.TAUTOMER} and _ISOTOPE.search(form.smiles):
        form = _in_order(Chem.RemoveHs(_tools().remove_isotopes(form.mol)))
        changes.append(ISOTOPES)
    if level is Level.TAUTOMER and form.mol.GetNumHeavyAtoms() > MAX_TAUTOMER_ATOMS:
        changes.append(TOO_LARGE)
    elif level is Level.TAUTOMER:
        canonical = _in_order(_tools().tautomers.Canonicalize(form.mol))
        changes += [TAUTOMER] if canonical.smiles != form.smiles else []
        form = canonical
    return form


def standardize_text(smiles: str, level: Level) -> tuple[str, tuple[str, ...]] | None:
    """Return the standard form of a SMILES string and what was changed, if the text alone tells.

    It tells for nearly all molecules of libraries. What is read from it must pass `is_settled` too; otherwise
    the molecule is to be read as it was written, and standardized.
    """
    if level is Level.NONE:
        return smiles, ()
    if level is Level.TAUTOMER or (level is Level.ISOTOPE_PARENT and _ISOTOPE.search(smiles)):
        return None
    fragment = drop_counter_ions(smiles)
    text = None if fragment is None else neutralize(fragment)
    if text is None or not has_carbon(text):  # which may be a counter-ion alone
        return None
    final = charge_sulfoxides(text)
    if final == smiles:
        return smiles, ()
    if final != text != fragment and ANION_BESIDE_SULFUR.search(smiles):
        return None
    steps = ((GROUPS, final != text), (FRAGMENTS, fragment != smiles), (CHARGES, text != fragment))
    return final, tuple(change for change, is_done in steps if is_done)


def is_settled(mol: Mol, smiles: str) -> bool:
    """Say whether the text was right about sulfoxides.

    Parameters
    ----------
    mol, smiles
        What `standardize_text` returned, and the molecule that was read from it.
    """
    n_charged = len(CHARGED_SULFUR.findall(smiles)) if "S" in smiles else 0
    if n_charged and len(mol.GetSubstructMatches(_tools().charged_sulfoxide)) != n_charged:
        return False
    return not (may_have_sulfoxide(smiles) and mol.HasSubstructMatch(_tools().sulfoxide))
