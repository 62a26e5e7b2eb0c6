"""Drawings of molecules as SVG, with the contributions of their atoms."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem.Draw import rdMolDraw2D

from servier.explaining.atoms import Explanation
from servier.tables import write_whole

LOWERS, RAISES = (0.90, 0.47, 0.13), (0.25, 0.53, 0.80)
"""Orange and blue, which people with any kind of colour vision tell apart."""
WIDTH, HEIGHT = 640, 440
HEAD, FOOT, BAR = 56, 56, 200
MANY_ATOMS = 40
RADIUS = 0.42

Colour = tuple[float, float, float]


def write_picture(explanation: Explanation, answer: Mapping[str, object], path: str | Path) -> None:
    """Draw a molecule with the contributions of its atoms, as an SVG file.

    Parameters
    ----------
    explanation
        The explanation to draw.
    answer
        The model's name and its answer for the molecule, for the title.
    path
        The file.
    """
    with write_whole(path) as temporary:
        temporary.write_text(draw_contributions(explanation, answer), encoding="utf-8")


def draw_contributions(explanation: Explanation, answer: Mapping[str, object]) -> str:
    """Return an SVG document: a molecule whose atoms are coloured by their contribution, and a legend.

    Atoms that raise the score are blue, those that lower it orange. The smaller the contribution, the paler
    the colour; the largest one in the molecule has the full colour.
    """
    grow = max(1.0, np.sqrt(explanation.mol.GetNumAtoms() / MANY_ATOMS))
    width, height = round(WIDTH * grow), round(HEIGHT * grow)
    largest = float(np.abs(explanation.contributions).max())
    molecule = _draw_molecule(explanation, width, height, largest)
    title, subtitle = map(escape, _head(explanation, answer))
    return "\n".join(
        (
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height + HEAD + FOOT}" '
                f'viewBox="0 0 {width} {height + HEAD + FOOT}" font-family="sans-serif" fill="#222">'
            ),
            f"<title>{title}</title>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            f'<text x="20" y="28" font-size="17" font-weight="bold">{title}</text>',
            f'<text x="20" y="48" font-size="13">{subtitle}</text>',
            f'<svg y="{HEAD}" width="{width}" height="{height}">',
            molecule,
            "</svg>",
            *_legend(width / 2, HEAD + height + 20, largest),
            "</svg>\n",
        )
    )


def _head(explanation: Explanation, answer: Mapping[str, object]) -> tuple[str, str]:
    name = explanation.target
    label = answer[f"{name}_pred"]
    title = f"{name}: {label}{_name_unit(answer.get(f'{name}_unit'))}"
    if f"{name}_probability_{label}" in answer:
        title = f"{name}: {label}, probability {answer[f'{name}_probability_{label}']:.3f}"
    elif f"{name}_probability" in answer:
        title = f"{name}: label {answer[f'{name}_pred']}, probability {answer[f'{name}_probability']:.3f}"
    model = answer["model_name"]
    title += f" ({model if model == 'consensus' else f'model {model}'})"
    return title, f"What each atom adds to the score, {explanation.unit}"


def _name_unit(unit: object) -> str:
    return "" if unit is None else f" {unit}"


def _draw_molecule(explanation: Explanation, width: int, height: int, largest: float) -> str:
    """Return RDKit's drawing as an SVG element, without what stands around it in a file."""
    mol = rdMolDraw2D.PrepareMolForDrawing(explanation.mol)
    n = explanation.mol.GetNumAtoms()
    values = explanation.contributions / (largest or 1.0)
    drawer = rdMolDraw2D.MolDraw2DSVG(width, height)
    options: Any = drawer.drawOptions()
    options.useBWAtomPalette()
    options.clearBackground = False
    options.padding = 0.08
    options.flagCloseContactsDist = -1
    options.fixedBondLength = 40
    options.fillHighlights = True
    options.highlightBondWidthMultiplier = 14
    drawer.DrawMolecule(
        mol,
        highlightAtoms=list(range(n)),
        highlightAtomColors={i: _colour(values[i]) for i in range(n)},
        highlightAtomRadii=dict.fromkeys(range(n), RADIUS),
        highlightBonds=[],
    )
    drawer.FinishDrawing()
    text: str = drawer.GetDrawingText()
    return text[text.index("<svg") :]


def _colour(value: float) -> Colour:
    """Return the colour between white, at 0, and the full one, at 1 or -1."""
    full = np.array(RAISES if value > 0 else LOWERS)
    mixed: NDArray[np.float64] = 1 - abs(value) * (1 - full)
    return float(mixed[0]), float(mixed[1]), float(mixed[2])


def _legend(middle: float, top: float, largest: float) -> list[str]:
    """Return a colour bar, labelled with its limits and 0."""
    low, high = (
        "#" + "".join(f"{round(255 * part):02x}" for part in _colour(value)) for value in (-1.0, 1.0)
    )
    left, right, baseline = middle - BAR / 2, middle + BAR / 2, top + 11
    return [
        (
            f'<defs><linearGradient id="contribution"><stop offset="0" stop-color="{low}"/>'
            '<stop offset="0.5" stop-color="#fff"/>'
            f'<stop offset="1" stop-color="{high}"/></linearGradient></defs>'
        ),
        (
            f'<rect x="{left:g}" y="{top:g}" width="{BAR}" height="14" fill="url(#contribution)" '
            'stroke="#999" stroke-width="0.5"/>'
        ),
        '<g font-size="12">',
        f'<text x="{left - 8:g}" y="{baseline:g}" text-anchor="end">lowers it  {-largest:.2g}</text>',
        f'<text x="{middle:g}" y="{top + 28:g}" text-anchor="middle">0</text>',
        f'<text x="{right + 8:g}" y="{baseline:g}">{largest:+.2g}  raises it</text>',
        "</g>",
    ]
