"""The values of RDKit's descriptors, from tables of atoms and bonds that are read once.

Molecules that the tables do not describe (hydrogen atoms in the graph, dative or other unusual bonds, more
than 300 atoms), and those for which anything fails, are passed to RDKit's own functions one by one.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors, rdPartialCharges

from servier.features.rdkit2d.burden import spectra
from servier.features.rdkit2d.connectivity import connectivity_indices
from servier.features.rdkit2d.crippen import CrippenValues, crippen_values
from servier.features.rdkit2d.drug_likeness import QedProperties, fragment_counts, qed, screen_molecule
from servier.features.rdkit2d.estate import (
    ESTATE_EDGES,
    PEOE_EDGES,
    SLOGP_EDGES,
    SMR_EDGES,
    VSA_EDGES,
    estate_indices,
    histogram,
)
from servier.features.rdkit2d.information import (
    MAX_SPECTRAL_SIZE,
    balaban_j,
    bertz_ct,
    polynomial_information,
)
from servier.features.rdkit2d.lipinski import hydrogen_bond_acceptors, rotatable_bonds
from servier.features.rdkit2d.molecular_graph import FloatArray, MolecularGraph, build_graph
from servier.features.rdkit2d.names import (
    DESCRIPTOR_NAMES,
    ESTATE_VSA_BINS,
    PEOE_BINS,
    SLOGP_BINS,
    SMR_BINS,
    VSA_ESTATE_BINS,
)
from servier.features.rdkit2d.separate import separate_values
from servier.features.rdkit2d.stereochemistry import spacial_score

__all__ = ["DESCRIPTOR_NAMES", "calculate_descriptors"]

_GASTEIGER_ITERATIONS: Final = 12
_LARGEST_RADIUS: Final = 3
_BCUTS: Final = 8

_EARLY_COUNTS: Final[tuple[Callable[[Chem.Mol], float], ...]] = (
    rdMolDescriptors.CalcFractionCSP3,
    rdMolDescriptors.CalcNumHeavyAtoms,
    rdMolDescriptors.CalcNumLipinskiHBD,
    rdMolDescriptors.CalcNumLipinskiHBA,
    rdMolDescriptors.CalcNumAliphaticCarbocycles,
    rdMolDescriptors.CalcNumAliphaticHeterocycles,
    rdMolDescriptors.CalcNumAliphaticRings,
    rdMolDescriptors.CalcNumAmideBonds,
    rdMolDescriptors.CalcNumAromaticCarbocycles,
    rdMolDescriptors.CalcNumAromaticHeterocycles,
    rdMolDescriptors.CalcNumAromaticRings,
    rdMolDescriptors.CalcNumAtomStereoCenters,
    rdMolDescriptors.CalcNumBridgeheadAtoms,
)
_LATE_COUNTS: Final[tuple[Callable[[Chem.Mol], float], ...]] = (
    rdMolDescriptors.CalcNumSaturatedCarbocycles,
    rdMolDescriptors.CalcNumSaturatedHeterocycles,
    rdMolDescriptors.CalcNumSaturatedRings,
    rdMolDescriptors.CalcNumSpiroAtoms,
    rdMolDescriptors.CalcNumUnspecifiedAtomStereoCenters,
)
_OUTER_ELECTRONS: Final = [Chem.GetPeriodicTable().GetNOuterElecs(z) for z in range(119)]
_MASSES: Final = [Chem.GetPeriodicTable().GetAtomicWeight(z) for z in range(119)]


class _Charges(NamedTuple):
    """Gasteiger charges, and whether parameters exist for all atoms."""

    values: list[float]
    parametrized: bool


def calculate_descriptors(mol: Chem.Mol) -> FloatArray:
    """Compute the 2D descriptors of a molecule.

    Parameters
    ----------
    mol
        Sanitized molecule; it is not changed.

    Returns
    -------
    Values in the order of `DESCRIPTOR_NAMES`, float64, shape (217,); NaN where RDKit has no value.
    """
    try:
        graph = build_graph(mol)
        if graph is not None:
            return np.array(_shared_values(graph), dtype=np.float64)
    except (ValueError, RuntimeError, ArithmeticError, LookupError):
        pass
    return separate_values(mol)


def _shared_values(graph: MolecularGraph) -> list[float]:
    mol = graph.mol
    distances: FloatArray = Chem.GetDistanceMatrix(mol)
    weighted: FloatArray = Chem.GetDistanceMatrix(
        mol, useBO=True, useAtomWts=False, force=False, prefix="Balaban"
    )
    charges = _gasteiger_charges(graph)
    crippen = crippen_values(graph)
    estate = estate_indices(graph, distances)
    contributions = rdMolDescriptors._CalcLabuteASAContribs(mol)[0]  # noqa: SLF001 - as RDKit's Python code does
    surfaces = np.array([contributions[i] for i in range(graph.size)])
    labute_asa = rdMolDescriptors.CalcLabuteASA(mol)
    polar_surface = rdMolDescriptors.CalcTPSA(mol)
    weight = rdMolDescriptors._CalcMolWt(mol)  # noqa: SLF001 - the function behind Descriptors.MolWt
    rotatable, donors = rotatable_bonds(graph), rdMolDescriptors.CalcNumHBD(mol)
    connectivity = connectivity_indices(graph)
    screened = screen_molecule(graph)
    bcut, (mean_information, information) = _spectral_values(graph, charges, crippen)
    properties = QedProperties(weight, crippen.logp, donors, polar_surface, rotatable)
    counts = _ring_and_group_counts(graph, donors, rotatable, connectivity.phi)
    drug_likeness = qed(graph, screened, properties)
    fragments = fragment_counts(screened)
    electrons = _weights_and_electrons(graph)
    densities = _morgan_densities(mol)
    return [
        *_extremes(estate.tolist()),
        drug_likeness,
        spacial_score(graph),
        weight,
        *electrons,
        *_charge_extremes(charges.values),
        *densities,
        *bcut,
        mean_information,
        balaban_j(graph, weighted),
        bertz_ct(graph, weighted),
        *connectivity.chi,
        connectivity.hall_kier_alpha,
        information,
        *connectivity.kappa,
        labute_asa,
        *_surface_histograms(surfaces, charges, crippen),
        polar_surface,
        *_estate_histograms(estate, surfaces),
        *counts,
        crippen.logp,
        crippen.mr,
        *fragments,
    ]


def _gasteiger_charges(graph: MolecularGraph) -> _Charges:
    parametrized = True
    try:
        rdPartialCharges.ComputeGasteigerCharges(graph.mol, _GASTEIGER_ITERATIONS, True)
    except ValueError:
        parametrized = False
        rdPartialCharges.ComputeGasteigerCharges(graph.mol, _GASTEIGER_ITERATIONS, False)
    return _Charges([a.GetDoubleProp("_GasteigerCharge") for a in graph.atoms], parametrized)


def _spectral_values(
    graph: MolecularGraph, charges: _Charges, crippen: CrippenValues
) -> tuple[list[float], tuple[float, float]]:
    """Return the BCUT2D values, and mean and total information of the characteristic polynomial."""
    diagonals: list[list[float]] = []
    if charges.parametrized:
        masses = [
            atom.GetMass() if isotope else _MASSES[z]
            for atom, isotope, z in zip(graph.atoms, graph.isotopes, graph.atomic_numbers, strict=True)
        ]
        diagonals = [masses, charges.values, crippen.atom_logp, crippen.atom_mr]
    by_spectrum = graph.size <= MAX_SPECTRAL_SIZE
    eigenvalues = spectra(graph, diagonals, graph.adjacency if by_spectrum else None)
    bcut = [math.nan] * _BCUTS
    if diagonals:
        bcut = eigenvalues[: len(diagonals), [-1, 0]].ravel().tolist()
    return bcut, polynomial_information(graph.adjacency, eigenvalues[-1] if by_spectrum else None)


def _extremes(values: list[float]) -> list[float]:
    magnitudes = [abs(v) for v in values]
    return [max(magnitudes), max(values), min(magnitudes), min(values)]


def _charge_extremes(charges: list[float]) -> list[float]:
    """Return the greatest and the least charge and magnitude; NaN is compared as RDKit does it."""
    low, high = 500.0, -500.0
    for charge in charges:
        low = min(charge, low)
        high = max(charge, high)
    return [high, low, max(abs(low), abs(high)), min(abs(low), abs(high))]


def _weights_and_electrons(graph: MolecularGraph) -> list[float]:
    valence_electrons = (
        sum([_OUTER_ELECTRONS[z] for z in graph.atomic_numbers]) - sum(graph.charges) + sum(graph.hydrogens)
    )
    return [
        rdMolDescriptors._CalcMolWt(graph.mol, True),  # noqa: SLF001 - behind Descriptors.HeavyAtomMolWt
        rdMolDescriptors.CalcExactMolWt(graph.mol),
        valence_electrons,
        sum([a.GetNumRadicalElectrons() for a in graph.atoms]),
    ]


@cache
def _morgan_generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(_LARGEST_RADIUS)


def _morgan_densities(mol: Chem.Mol) -> list[float]:
    """Return how many different Morgan environments there are per heavy atom, up to radius 1, 2 and 3.

    The places where an environment is found are listed by increasing radius.
    """
    heavy = mol.GetNumHeavyAtoms()
    if not heavy:
        return [0.0] * _LARGEST_RADIUS
    output = rdFingerprintGenerator.AdditionalOutput()
    output.AllocateBitInfoMap()
    _morgan_generator().GetSparseCountFingerprint(mol, additionalOutput=output)
    smallest = [places[0][1] for places in output.GetBitInfoMap().values()]
    return [sum([radius <= limit for radius in smallest]) / heavy for limit in range(1, _LARGEST_RADIUS + 1)]


def _surface_histograms(surfaces: FloatArray, charges: _Charges, crippen: CrippenValues) -> list[float]:
    peoe = histogram(charges.values, PEOE_EDGES, surfaces)
    smr = histogram(crippen.atom_mr, SMR_EDGES, surfaces)
    slogp = histogram(crippen.atom_logp, SLOGP_EDGES, surfaces)
    return [
        *[peoe[b] for b in PEOE_BINS],
        *[smr[b] for b in SMR_BINS],
        *[slogp[b] for b in SLOGP_BINS],
    ]


def _estate_histograms(estate: FloatArray, surfaces: FloatArray) -> list[float]:
    estate_vsa = histogram(estate, ESTATE_EDGES, surfaces)
    vsa_estate = histogram(surfaces, VSA_EDGES, estate)
    return [
        *[estate_vsa[b] for b in ESTATE_VSA_BINS],
        *[vsa_estate[b] for b in VSA_ESTATE_BINS],
    ]


def _ring_and_group_counts(graph: MolecularGraph, donors: int, rotatable: int, phi: float) -> list[float]:
    mol = graph.mol
    return [
        *[count(mol) for count in _EARLY_COUNTS],
        hydrogen_bond_acceptors(graph),
        donors,
        graph.size - graph.atomic_numbers.count(6),
        rdMolDescriptors.CalcNumHeterocycles(mol),
        rotatable,
        *[count(mol) for count in _LATE_COUNTS],
        phi,
        rdMolDescriptors.CalcNumRings(mol),
    ]
