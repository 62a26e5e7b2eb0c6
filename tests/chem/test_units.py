"""Units: every way of writing them, and conversions whose right values were worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from servier.chem.units import NEGATIVE_LOG_MOLAR, Kind, Scale, convert, molecular_weight, parse_unit
from servier.data.wishes import read_unit

ASPIRIN, ASPIRIN_WEIGHT = "CC(=O)Oc1ccccc1C(=O)O", 180.159
SPELLINGS = {
    ("M", Kind.MOLAR, 0): ["M", " M ", "mol/L", "mol/l", "mol.L-1", "mol L-1", "mol/dm3", "mol·L⁻¹", "MOLAR"],
    ("mM", Kind.MOLAR, -3): ["mM", "mmol/L", "MILLIMOLAR", "umol/mL"],
    ("µM", Kind.MOLAR, -6): ["uM", "\u00b5M", "\u03bcM", "umol/L", "\u03bcmol/l", "MICROMOLAR", "nmol/mL"],
    ("nM", Kind.MOLAR, -9): ["nM", "nmol/L", "NANOMOLAR", "nmol L-1"],
    ("pM", Kind.MOLAR, -12): ["pM", "pmol/L", "picomolar"],
    ("fM", Kind.MOLAR, -15): ["fM", "femtomolar"],
    ("g/L", Kind.MASS, 0): ["g/L", "mg/mL", "mg/ml", "mg.mL-1", "g/dm3"],
    ("mg/L", Kind.MASS, -3): ["mg/L", "ug/mL", "\u00b5g/mL", "\u03bcg/ml", "ug.mL-1", "ug ml-1", "ug mL^-1"],
    ("mg/dL", Kind.MASS, -2): ["mg/dL", "mg/dl"],
    ("ng/mL", Kind.MASS, -6): ["ng/mL", "ug/L", "\u00b5g/l", "ng.mL-1"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind", "exponent"),
    [(text, kind, exponent) for (_, kind, exponent), texts in SPELLINGS.items() for text in texts],
)
def test_concentrations_are_read_however_they_are_written(text, kind, exponent):
    """Either letter for micro, a litre with a capital or not, and the words of PubChem and ChEMBL."""
    unit = parse_unit(text)
    assert (unit.kind, unit.exponent, unit.scale) == (kind, exponent, Scale.LINEAR)
    assert parse_unit(unit.name) == unit


@pytest.mark.parametrize("text", ["", " ", "NONE", "none", "Unspecified", "N/A", "#N/A", "-"])
def test_some_words_say_that_there_is_no_unit(text):
    """PubChem writes NONE, ChEMBL nothing."""
    assert read_unit(text) is None


@pytest.mark.parametrize(
    "text", ["nm", "um", "NM", "mm", "MM", "mg/kg", "mL/min/g", "hr", "10^-6 cm/s", "MW", "g", "L"]
)
def test_what_is_no_concentration_is_only_like_itself(text):
    """A nanometre is no nanomole in a litre: nothing is guessed from small and capital letters."""
    unit = parse_unit(text)
    assert (unit.kind, unit.name, unit.lowest) == (Kind.OTHER, text, None)
    assert unit.converts_to(parse_unit(text))
    assert not unit.converts_to(parse_unit("nM"))
    assert not parse_unit("nM").converts_to(unit)


@pytest.mark.parametrize(
    "text", ["pIC50", "pKi", "pEC50", "pchembl", "pChEMBL Value", "-log10(M)", "-log(mol/L)"]
)
def test_negative_logarithms_have_many_names(text):
    """They all are -log10 of moles in a litre."""
    assert parse_unit(text).matches(NEGATIVE_LOG_MOLAR)


BY_HAND = [
    (500, "nM", "µM", 0.5),
    (0.5, "uM", "nM", 500),
    (3, "M", "pM", 3e12),
    (250, "pM", "nM", 0.25),
    (1.5, "mM", "uM", 1500),
    (2, "µg/mL", "mg/L", 2),
    (2, "ng/mL", "mg/L", 0.002),
    (7, "mg/dL", "mg/L", 70),
    # 180.159 g of aspirin are a mole
    (180.159, "mg/L", "mM", 1),
    (180.159, "µg/mL", "µM", 1000),
    (180.159, "ng/mL", "nM", 1000),
    (1, "mM", "mg/L", 180.159),
    (10, "nM", "pIC50", 8),
    (10, "µM", "pIC50", 5),
    (1, "M", "pIC50", 0),
    (250, "nM", "pIC50", 6.602059991327962),
    (180.159, "mg/L", "pIC50", 3),
    (6, "pIC50", "uM", 1),
    (6, "pIC50", "nM", 1000),
    (6, "pIC50", "mg/L", 0.180159),
    (100, "nM", "log10(nM)", 2),
    (100, "nM", "log10(uM)", -1),
    (2, "log10(nM)", "pIC50", 7),
    (-4, "log10(mol/L)", "log10(uM)", 2),
    (-4, "log10(mol/L)", "uM", 100),
    (50, "%", "percent", 50),
    (100, "%", "log10(%)", 2),
]  # fmt: skip


@pytest.mark.parametrize(("value", "source", "target", "expected"), BY_HAND)
def test_values_worked_out_by_hand(value, source, target, expected):
    """Each conversion of aspirin has the value that pencil and paper give, and so has the way back."""
    first, second = parse_unit(source), parse_unit(target)
    weights = np.array([ASPIRIN_WEIGHT])
    assert first.converts_to(second)
    assert convert(np.array([value], float), first, second, weights)[0] == pytest.approx(expected, rel=1e-12)
    assert convert(np.array([expected], float), second, first, weights)[0] == pytest.approx(value, rel=1e-9)


@given(
    st.decimals(0, 10**6, places=3), st.sampled_from(["nM", "µM", "mM", "pM"]), st.sampled_from(["nM", "µM"])
)
def test_decimal_places_are_shifted_exactly(value, source, target):
    """500 nM is 0.5 µM to the last bit: the number nearest to what decimal arithmetic gives."""
    first, second = parse_unit(source), parse_unit(target)
    shift = first.exponent - second.exponent
    found = convert(np.array([float(value)]), first, second)[0]
    assert found == pytest.approx(float(value.scaleb(shift)), rel=3e-16)
    assume(shift <= 0)
    assert found == float(value) / 10**-shift


def test_the_weight_is_that_of_the_molecule_as_written():
    """The hydrochloride of ethylamine weighs 81.5, not 45.1; deuterium counts; what cannot be read is NaN."""
    assert molecular_weight(ASPIRIN) == pytest.approx(ASPIRIN_WEIGHT, abs=5e-4)
    assert molecular_weight("CCN.Cl") == pytest.approx(45.085 + 36.461, abs=5e-3)
    assert molecular_weight("[2H]O[2H]") == pytest.approx(20.028, abs=5e-3)
    assert math.isnan(molecular_weight("C1CC"))
    assert math.isnan(molecular_weight("*"))


def test_only_concentrations_have_a_lowest_value():
    """Inhibition in percent may be below 0 and above 100, and so may logarithms."""
    assert [parse_unit(text).lowest for text in ("nM", "mg/L", "%", "pIC50", "log10(nM)", "hr")] == [
        0, 0, None, None, None, None,
    ]  # fmt: skip
