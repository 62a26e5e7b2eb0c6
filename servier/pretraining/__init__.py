"""Encoders of SMILES strings that learn what RDKit computes: no label is needed, so none can leak."""
