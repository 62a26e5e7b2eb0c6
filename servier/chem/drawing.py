"""The structural formula of a molecule, as a vector graphic."""

from typing import Any

from rdkit.Chem.Draw import rdMolDraw2D

from servier.chem.molecules import Mol

STRUCTURE_SIZE = (260, 190)


def draw_structure(mol: Mol) -> str:
    """Return the structural formula of a molecule, as an SVG document without a background.

    Letters are drawn as outlines, so atom labels from a SMILES string cannot become markup.
    """
    drawer = rdMolDraw2D.MolDraw2DSVG(*STRUCTURE_SIZE)
    options: Any = drawer.drawOptions()
    options.clearBackground = False
    options.padding = 0.06
    options.bondLineWidth = 1.4
    options.fixedBondLength = 26
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol)
    drawer.FinishDrawing()
    return str(drawer.GetDrawingText())
