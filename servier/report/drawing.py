"""Drawings of molecules."""

from typing import Any

from markupsafe import Markup
from rdkit.Chem.Draw import rdMolDraw2D

from servier.molecules import Mol
from servier.report.vector import embed

SIZE = (260, 190)


def draw_molecule(mol: Mol, name: str) -> Markup:
    """Return the structural formula of a molecule.

    Letters are drawn as outlines, so what a SMILES string calls its atoms cannot become markup.

    Parameters
    ----------
    mol
        The molecule.
    name
        As for `servier.report.vector.embed`.
    """
    drawer = rdMolDraw2D.MolDraw2DSVG(*SIZE)
    options: Any = drawer.drawOptions()
    options.clearBackground = False
    options.padding = 0.06
    options.bondLineWidth = 1.4
    options.fixedBondLength = 26
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol)
    drawer.FinishDrawing()
    return embed(drawer.GetDrawingText(), name)
