"""A simulated data set of values that are measured within limits, beyond which labels are bounds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from servier.chem.molecules import Mol
from servier.data.simulation import number_molecules, simulate, weigh_patterns

# The rule: a value that starts at the base, differs by patterns and properties, and is measured with noise.
BASE_VALUE, SCALE, NOISE = 5.0, 0.45, 0.35
LOGP, POLAR_AREA = 0.3, -0.008
DETECTED = (5.0, 7.0)


@dataclass(frozen=True)
class CensoredSimulation:
    """Simulated molecules with a value that is measured within limits.

    Parameters
    ----------
    smiles
        Distinct canonical SMILES.
    expected
        float64, shape (n_rows,): the value that the rule gives each.
    values
        The values with the noise of measurement, two decimals, as they would be without limits.
    """

    smiles: list[str]
    expected: NDArray[np.float64]
    values: NDArray[np.float64]

    @property
    def labels(self) -> list[str]:
        """The values as the table has them, such as `<5` and `>7` for those beyond the limits."""
        low, high = DETECTED
        return [
            f"<{low:g}" if value < low else f">{high:g}" if value > high else f"{value:.2f}"
            for value in self.values.tolist()
        ]

    @property
    def best_mae(self) -> float:
        """The expected mean absolute error of the rule itself, which no model can beat."""
        return float(NOISE * np.sqrt(2 / np.pi))

    @property
    def columns(self) -> dict[str, Sequence[object]]:
        """The columns of its table; `P1_value` has what the labels would be without limits."""
        return {
            "P1": self.labels, "mol_id": number_molecules(len(self.smiles)), "smiles": self.smiles,
            "P1_value": [f"{value:.2f}" for value in self.values],
        }  # fmt: skip

    @property
    def description(self) -> str:
        """What the labels are, in words."""
        share = np.mean([label.startswith(("<", ">")) for label in self.labels])
        return f"{share:.1%} with a bound for P1"

    @property
    def best(self) -> str:
        """The best that a model can reach, in words."""
        return f"mean absolute error: {self.best_mae:.4f}"


def simulate_censored(n_rows: int, seed: int) -> CensoredSimulation:
    """Make the molecules of `simulate`, with a value that follows patterns, lipophilicity and polar area.

    Parameters
    ----------
    n_rows, seed
        As for `simulate`.
    """
    smiles = simulate(n_rows, seed).smiles
    expected = np.array([true_value(Chem.MolFromSmiles(text)) for text in smiles])
    values = np.round(expected + np.random.default_rng(seed).normal(0, NOISE, n_rows), 2)
    return CensoredSimulation(smiles, expected, values)


def true_value(mol: Mol) -> float:
    """Return the value that the rule of the censored data set gives a molecule."""
    logp, _ = rdMolDescriptors.CalcCrippenDescriptors(mol)
    properties = LOGP * (logp - 2.5) + POLAR_AREA * (rdMolDescriptors.CalcTPSA(mol) - 80)
    return float(BASE_VALUE + SCALE * weigh_patterns(mol) + properties)
