"""Molecules, as RDKit reads and describes them."""
