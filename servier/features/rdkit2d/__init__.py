"""RDKit's two-dimensional descriptors, several times as fast.

`calculate_descriptors` gives the values of `rdkit.Chem.Descriptors.CalcMolDescriptors`. RDKit computes each
descriptor from scratch; here they share their intermediate results: tables of atoms and bonds, distances,
charges, contributions of atoms, and a screen that rules out most SMARTS patterns before one is matched.
"""

from servier.features.rdkit2d.calculate import calculate_descriptors
from servier.features.rdkit2d.names import DESCRIPTOR_NAMES

__all__ = ["DESCRIPTOR_NAMES", "calculate_descriptors"]
