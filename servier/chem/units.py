"""Units of measured values: how they are written, and how a value in one becomes a value in another."""

import re
import unicodedata
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdMolDescriptors

from servier.chem.molecules import InvalidMolecule, parse_smiles

Vector = NDArray[np.float64]


class Kind(StrEnum):
    """What is counted: moles or grams in a litre, nothing, or something of which only the name is known."""

    MOLAR = "molar"
    MASS = "mass"
    NUMBER = "number"
    OTHER = "other"


class Scale(StrEnum):
    """Whether a number is the value, its decimal logarithm, or the negative of that."""

    LINEAR = "linear"
    LOG = "log10"
    MINUS_LOG = "-log10"


@dataclass(frozen=True)
class Unit:
    """A unit of measured values.

    Parameters
    ----------
    name
        How it is written: `nM`, `µg/mL`, `%`, `-log10(M)`.
    kind, exponent
        What is counted, and the power of ten of a mole or a gram in a litre; 0 for what is no concentration.
    scale
        What a number in this unit is of the value.
    """

    name: str
    kind: Kind = Kind.OTHER
    exponent: int = 0
    scale: Scale = Scale.LINEAR

    @property
    def is_concentration(self) -> bool:
        """Whether moles or grams in a litre are counted."""
        return self.kind in (Kind.MOLAR, Kind.MASS)

    @property
    def is_known(self) -> bool:
        """Whether it is one that is understood, or the logarithm of such a one."""
        return self.kind is not Kind.OTHER or _inner(self.name) == PERCENT.name

    @property
    def lowest(self) -> float | None:
        """The lowest number that there is in this unit: 0 for a concentration, None where there is none."""
        return 0.0 if self.is_concentration and self.scale is Scale.LINEAR else None

    def matches(self, other: "Unit") -> bool:
        """Return whether a number means the same in both units."""
        name = (self.name, other.name) if self.kind is Kind.OTHER else ("", "")
        alike = (self.kind, self.exponent, self.scale) == (other.kind, other.exponent, other.scale)
        return alike and name[0] == name[1]

    def converts_to(self, other: "Unit") -> bool:
        """Return whether numbers in this unit can become numbers in the other one."""
        if self.is_concentration and other.is_concentration:
            return True
        return self.kind is other.kind and _inner(self.name) == _inner(other.name)

    def needs_weight(self, other: "Unit") -> bool:
        """Return whether the conversion takes the molecular weight."""
        return {self.kind, other.kind} == {Kind.MOLAR, Kind.MASS}

    def reverses(self, other: "Unit") -> bool:
        """Return whether of two values the higher one in this unit is the lower one in the other."""
        return (self.scale is Scale.MINUS_LOG) != (other.scale is Scale.MINUS_LOG)

    def to_log(self) -> "Unit":
        """Return the unit of the decimal logarithms of numbers in this one."""
        name = f"{Scale.LOG}({self.name})" if self.name else str(Scale.LOG)
        return replace(self, name=name, scale=Scale.LOG) if self.scale is Scale.LINEAR else self


NO_UNIT = Unit("", Kind.NUMBER)
PERCENT = Unit("%")
MOLAR = Unit("M", Kind.MOLAR)
NEGATIVE_LOG_MOLAR = Unit("-log10(M)", Kind.MOLAR, 0, Scale.MINUS_LOG)

_PREFIXES = {"": 0, "k": 3, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
_NOTHING = frozenset(("", "unspecified"))
_PER_LITRE = r"(?:/(?P<per>[mdun]?)[lL]|/dm\^?3|[.·*]?(?P<times>[mdun]?)[lL]\^?-1|[.·*]?dm\^?-3)"
_MOLAR = re.compile(r"(?P<prefix>[fpnum]?)M")
_AMOUNT = re.compile(rf"(?P<prefix>[fpnumk]?)(?P<what>mol|g){_PER_LITRE}")
_MOLAR_WORD = re.compile(r"(?P<prefix>femto|pico|nano|micro|milli|)molar", re.IGNORECASE)
_PERCENT = re.compile(r"%|percent|percentage", re.IGNORECASE)
_LOGARITHM = re.compile(r"(?P<sign>-?)log(?:10)?(?:\((?P<in>.+)\)|\[(?P<on>.+)\])", re.IGNORECASE)
_P_VALUE = re.compile(r"p(?:IC50|EC50|AC50|XC50|Ki|Kd|ChEMBL(?:Value)?)", re.IGNORECASE)


def parse_unit(text: str) -> Unit | None:
    """Read a unit; None where the text says that there is none.

    Micro is a u, or either of Unicode's two letters; a litre has a capital or not. What is not known is a
    unit that is only like itself.

    Examples
    --------
    >>> parse_unit("umol/L").exponent, parse_unit("ug.mL-1").exponent, parse_unit("NANOMOLAR").exponent
    (-6, -3, -9)
    >>> parse_unit("pIC50").name, parse_unit("log10(nM)").scale.value, parse_unit("unspecified")
    ('-log10(M)', 'log10', None)
    """
    plain = unicodedata.normalize("NFKC", text).replace("\u03bc", "u").replace("\u2212", "-")
    plain = "".join(plain.split())
    if plain.lower() in _NOTHING:
        return None
    if plain.lower() in {"log10", "log"}:
        return NO_UNIT.to_log()
    if _P_VALUE.fullmatch(plain):
        return NEGATIVE_LOG_MOLAR
    if logarithm := _LOGARITHM.fullmatch(plain):
        return _read_logarithm(logarithm)
    if _PERCENT.fullmatch(plain):
        return PERCENT
    return _read_concentration(plain) or Unit(" ".join(text.split()))


def _read_logarithm(found: re.Match[str]) -> Unit | None:
    inner = parse_unit(found["in"] or found["on"])
    if inner is None or inner.scale is not Scale.LINEAR:
        return inner
    if not found["sign"]:
        return inner.to_log()
    return replace(inner, name=f"{Scale.MINUS_LOG}({inner.name})", scale=Scale.MINUS_LOG)


def _read_concentration(plain: str) -> Unit | None:
    """Read moles or grams in a volume; None where it is neither."""
    if molar := _MOLAR.fullmatch(plain):
        return Unit(f"{_write(molar['prefix'])}M", Kind.MOLAR, _PREFIXES[molar["prefix"]])
    if word := _MOLAR_WORD.fullmatch(plain):
        prefix = word["prefix"].lower()[:1] if word["prefix"].lower() != "micro" else "u"
        return Unit(f"{_write(prefix)}M", Kind.MOLAR, _PREFIXES[prefix])
    found = _AMOUNT.fullmatch(plain)
    if found is None:
        return None
    prefix, volume = found["prefix"], found["per"] or found["times"] or ""
    kind = Kind.MOLAR if found["what"] == "mol" else Kind.MASS
    name = f"{_write(prefix)}{found['what']}/{_write(volume)}L"
    return Unit(name, kind, _PREFIXES[prefix] - _PREFIXES[volume])


def _write(prefix: str) -> str:
    return "\u00b5" if prefix == "u" else prefix


def _inner(name: str) -> str:
    """Return the unit of the value of which a number is the logarithm."""
    found = _LOGARITHM.fullmatch(name)
    return (found["in"] or found["on"]) if found else "" if name == Scale.LOG else name


def molecular_weight(smiles: str) -> float:
    """Return the average molecular weight of a molecule as it is written; NaN where it has none.

    Salts and solvents in the string are a part of it: a mass is the mass of what was weighed, and a table
    names that.
    """
    mol = parse_smiles(smiles)
    if isinstance(mol, InvalidMolecule):
        return np.nan
    weight = float(rdMolDescriptors._CalcMolWt(mol))  # noqa: SLF001 - the function behind Descriptors.MolWt
    return weight or np.nan


def convert(values: Vector, source: Unit, target: Unit, weights: Vector | float = np.nan) -> Vector:
    """Return numbers in one unit as numbers in another.

    Parameters
    ----------
    values
        float64; of a logarithm of what is not above 0 nothing is left but NaN or infinity.
    source, target
        The units, of which one `converts_to` the other.
    weights
        The molecular weights, g/mol, where the conversion `needs_weight`.

    Examples
    --------
    >>> float(convert(np.float64(10), parse_unit("uM"), parse_unit("nM")))
    10000.0
    >>> float(convert(np.float64(10), parse_unit("uM"), parse_unit("pIC50")))
    5.0
    >>> float(convert(np.float64(18.015), parse_unit("mg/L"), parse_unit("mM"), 18.015))
    1.0
    """
    if source.matches(target):
        return values
    shift = source.exponent - target.exponent
    if source.scale is target.scale is Scale.LINEAR:
        if source.needs_weight(target):
            values = values / weights if target.kind is Kind.MOLAR else values * weights
        return np.asarray(values * 10.0**shift if shift >= 0 else values / 10.0**-shift)
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.log10(values) if source.scale is Scale.LINEAR else values * _sign(source)
        if source.needs_weight(target):
            grams = np.log10(weights)
            logarithm = logarithm - grams if target.kind is Kind.MOLAR else logarithm + grams
        logarithm = logarithm + shift
    return np.asarray(10.0**logarithm if target.scale is Scale.LINEAR else logarithm * _sign(target))


def _sign(unit: Unit) -> float:
    return -1.0 if unit.scale is Scale.MINUS_LOG else 1.0
