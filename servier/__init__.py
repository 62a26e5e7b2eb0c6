"""Predict properties of molecules from their SMILES strings."""

__version__ = "0.1.0"
