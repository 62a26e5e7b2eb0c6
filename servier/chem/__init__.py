"""Molecules, and what RDKit says of them."""
