"""Counter-ions and charges that can be taken out of the text of a SMILES string, before it is read.

Almost all salts and ions of libraries are protonated amines, carboxylates and the like, beside one of a few
counter-ions. Taking these out of the text gives the molecule that `servier.chem.standardization` would make
of it, at a hundredth of the cost; whatever else is charged is left to it.
"""

import re
from collections.abc import Sequence

_COUNTER_IONS = frozenset([
    "Cl", "Br", "I", "F", "N", "O", "[Cl-]", "[Br-]", "[I-]", "[F-]", "[OH-]", "[H+]", "[Li+]", "[Na+]",
    "[K+]", "[NH4+]", "[NH3]", "[OH2]", "[ClH]", "[BrH]", "[IH]",
])  # fmt: skip
"""Fragments of one atom, none of which is the parent where another fragment is."""

_CATIONS = {"[NH+]": "[N]", "[NH2+]": "[NH]", "[NH3+]": "[NH2]", "[nH+]": "[n]"}
_ANIONS = {"[O-]": "[OH]", "[S-]": "[SH]", "[N-]": "[NH]", "[NH-]": "[NH2]", "[n-]": "[nH]"}
_NITRO = ("[N+](=O)[O-]", "[N+]([O-])=O")
_QUATERNARY = frozenset(["[N+]", "[n+]"])

_PLAIN = r"\d*(?:[BCNOPSFIHbcnops*]|Cl|Br|Si|Se|se)@{0,2}(?:H\d*)?\]"
_RINGS = r"(?:\d|%\d\d)*"
_UNIT = re.compile(
    rf"""\[(?:
    (?P<unsure>O-\]\[(?:[Nn]|S@{{0,2}})\+\]{_RINGS}\(?\[O-\]
      | (?:[Nn]|S@{{0,2}})\+\]{_RINGS}\(\[O-\]\)\[O-\])
    | (?P<settled>N\+\]\(=O\)\[O-\] | N\+\]\(\[O-\]\)=O | (?:[Nn]|S@{{0,2}})\+\]{_RINGS}\(?\[O-\]
      | O-\]\[(?:[Nn]|S@{{0,2}})\+\] | (?<=[NC]=\[)N\+\]=\[N-\] | N-\]=\[N\+\]=[NC])
    | (?P<plain>{_PLAIN})
    | (?P<other>[^\]]*\]))""",
    re.VERBOSE,
)
"""A bracket: nitro groups, oxides and azides (settled), atoms without charge (plain), and all others."""
_NOT_PLAIN = re.compile(rf"\[(?!{_PLAIN})")

_SULFUR = rf"(?<![=#])(?:S(?P<rings>{_RINGS})|\[(?P<chiral>S@{{1,2}})\])"
_BRANCH = r"\((?!=O\))(?:[^()]|\([^()]*\))*\)"
_SULFINYL = re.compile(rf"{_SULFUR}\(=O\)(?!\(?=O)")
_LAST_SULFINYL = re.compile(rf"{_SULFUR}(?P<branch>(?:{_BRANCH})?)=O(?![\d%])")
_FIRST_SULFINYL = re.compile(rf"^O=(?:S|\[(S@{{1,2}})\](?![\d%]))(?!{_RINGS}\(?=O)")
_BRANCHED_SULFUR = re.compile(rf"S@{{0,2}}\]?{_RINGS}[(=]")
ANION_BESIDE_SULFUR = re.compile(r"\[(?:NH?|S|n)-\]")
"""Anions that keep their charge where they stand beside a sulfoxide."""
CHARGED_SULFUR = re.compile(r"\[S@{0,2}\+\]")

_RING_NUMBERS, _RING_NUMBER = re.compile(_RINGS), re.compile(r"%\d\d|\d")
_BETWEEN_ATOMS = frozenset("()-=#:/\\%0123456789")
_RING_BOND = re.compile(r"[=#][\d%]")


def drop_counter_ions(smiles: str) -> str | None:
    """Return the only fragment of a SMILES string that is no counter-ion of one atom, or None.

    Parameters
    ----------
    smiles
        The string, trimmed and without map numbers; it need not be a valid one.
    """
    if " " in smiles:  # an extension counts the atoms
        return None
    if "." not in smiles:
        return smiles
    fragments = [part for part in smiles.split(".") if part not in _COUNTER_IONS]
    return fragments[0] if len(fragments) == 1 else None


def has_carbon(smiles: str) -> bool:
    """Say whether there is carbon in a string of one fragment without metals."""
    return "c" in smiles or "C" in smiles.replace("Cl", "")


def neutralize(smiles: str) -> str | None:
    """Add and remove protons where that takes away a charge.

    Parameters
    ----------
    smiles
        The string of one fragment.

    Returns
    -------
    The string of the neutral molecule, which may be the same one; or None where the text alone does not tell:
    for metals, other charges, and charges that a double bond might carry elsewhere.

    Examples
    --------
    >>> neutralize("C[NH2+]CC(=O)[O-]")
    'C[NH]CC(=O)[OH]'
    """
    if not _NOT_PLAIN.search(smiles):
        return smiles
    parts: list[str] = []
    end = 0
    charged: list[re.Match[str]] = []
    has_anion = has_aromatic = has_conjugated = has_quaternary = has_oxide = False
    for unit in _UNIT.finditer(smiles):
        between = smiles[end : unit.start()]
        parts.append(between)
        text, end = unit[0], unit.end()
        if unit.lastgroup == "unsure" or (
            charged and unit.lastgroup != "plain" and _have_neighbours(smiles, charged, unit)
        ):
            return None
        if unit.lastgroup != "plain":
            charged.append(unit)
        has_oxide |= unit.lastgroup == "settled" and text not in _NITRO and not between.endswith("O=")
        if unit.lastgroup == "other":
            has_anion |= text in _ANIONS and not _is_acid(smiles, unit)
            has_quaternary |= text in _QUATERNARY
            has_aromatic |= text == "[nH+]"
            has_conjugated |= text not in _ANIONS and _has_double_bond(smiles, unit)
            text = _CATIONS.get(text) or _ANIONS.get(text) or (text if text in _QUATERNARY else "")
            if not text:
                return None
        parts.append(text)
    if has_anion and (has_aromatic or has_conjugated or has_quaternary or has_oxide):
        return None
    if has_conjugated and has_quaternary:
        return None
    return "".join([*parts, smiles[end:]])


def _have_neighbours(smiles: str, charged: Sequence[re.Match[str]], unit: re.Match[str]) -> bool:
    """Say whether a charge stands beside one before it, where charges are not those of a settled group."""
    before = _find_parent(smiles, unit.start())
    rings = _ring_numbers(smiles, unit)
    for other in charged:
        if unit.lastgroup == other.lastgroup == "settled":
            continue
        if other.start() < before <= other.end() or rings & _ring_numbers(smiles, other):
            return True
    return False


def _find_parent(smiles: str, start: int) -> int:
    """Return where the text of the atom ends that the one at a place is bonded to."""
    depth = 0
    for end in range(start, 0, -1):
        before = smiles[end - 1]
        depth += (before == ")") - (before == "(" and depth > 0)
        if not depth and before not in _BETWEEN_ATOMS:
            return end
    return 0


def _ring_numbers(smiles: str, unit: re.Match[str]) -> set[str]:
    found = _RING_NUMBERS.match(smiles, unit.end())
    return set(_RING_NUMBER.findall(found[0])) if found else set()


def _is_acid(smiles: str, unit: re.Match[str]) -> bool:
    """Say whether an anion is that of a carboxylic, sulfonic or phosphonic acid, whose charge stays there."""
    if unit[0] != "[O-]":
        return False
    if unit.start() == 0:
        return smiles.startswith(("C(=O)", "S(=O)(=O)", "P(=O)"), unit.end())
    if smiles.startswith((")=O", ")(=O)"), unit.end()):
        return smiles.endswith(("C(", "S(", "P("), 0, unit.start())
    return smiles.endswith(("C(=O)", "S(=O)(=O)", "P(=O)(", "P(=O)"), 0, unit.start())


def _has_double_bond(smiles: str, unit: re.Match[str]) -> bool:
    """Say whether a double bond of an atom stands in the text; one to a ring closure may stand elsewhere."""
    before = smiles[unit.start() - 1 : unit.start()]
    return (
        before in {"=", "#"}
        or bool(_RING_BOND.search(smiles))
        or _begins_double_bond(smiles[unit.end() :].lstrip("%0123456789"))
    )


def _begins_double_bond(after: str) -> bool:
    """Say whether the chain or a branch that goes on from an atom does so with a double or triple bond."""
    depth = 0
    for i, sign in enumerate(after):
        if depth == 0 and sign != "(":
            return sign in {"=", "#"}
        if depth == 0 and after.startswith(("(=", "(#"), i):
            return True
        depth += (sign == "(") - (sign == ")")
    return False


def may_have_sulfoxide(smiles: str) -> bool:
    """Say whether sulfur is left that might have one double bond to oxygen, without the sulfonyl groups."""
    if "S" not in smiles:
        return False
    left = smiles.replace("S(=O)(=O)", "").replace("O=S(=O)", "")
    return "S" in left and ("=S" in left or "=[S" in left or bool(_BRANCHED_SULFUR.search(left)))


def charge_sulfoxides(smiles: str) -> str:
    """Write sulfoxides with charges, as RDKit normalizes them.

    Some other groups look like them in the text, so the molecule is to be asked how many there are.

    Examples
    --------
    >>> charge_sulfoxides("CS(C)=O")
    'C[S+](C)[O-]'
    """
    if not may_have_sulfoxide(smiles):
        return smiles
    text = _SULFINYL.sub(lambda found: f"{_charged(found)}([O-])", smiles)
    text = _LAST_SULFINYL.sub(lambda found: f"{_charged(found)}{found['branch']}[O-]", text)
    return _FIRST_SULFINYL.sub(lambda found: f"[O-][{found[1] or 'S'}+]", text)


def _charged(sulfur: re.Match[str]) -> str:
    """Return sulfur with its charge; of chiral sulfur in a ring the text does not tell the handedness."""
    return f"[{sulfur['chiral'] or 'S'}+]{sulfur['rings'] or ''}"
