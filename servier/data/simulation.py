"""A simulated data set: drug-like molecules made from building blocks, labelled by a known rule.

The workflow runs on it where there is no real data, and tests check models against it. Its labels have no
chemical meaning.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdChemReactions, rdMolDescriptors

from servier.chem.molecules import Mol
from servier.errors import DataError
from servier.tables import Header, encode_row, write_whole

AMINES = (
    "NCc1ccccc1", "NCc1ccc(F)cc1", "NCc1ccc(Cl)cc1", "NCc1ccncc1", "NCC1CCCO1", "NC1CCCCC1", "NC1CC1",
    "C1CCNCC1", "C1COCCN1", "CN1CCNCC1", "c1ccc(N2CCNCC2)cc1", "CC1CCNCC1", "NCCc1ccc(OC)cc1", "NCCN1CCOCC1",
    "NCCCN1CCCC1=O", "Nc1ccc(C)cc1", "Nc1ccc(OC)cc1", "Nc1cccc(C(F)(F)F)c1", "Nc1nccs1", "Nc1ccc(C#N)cc1",
    "CC(C)CN", "CCCCN", "COCCN", "NC(C)c1ccccc1", "C1Cc2ccccc2CN1", "Nc1cc(C)on1", "NCc1cccs1", "NCC(F)(F)F",
)  # fmt: skip
ACIDS = (
    "OC(=O)c1ccccc1", "OC(=O)c1ccc(Br)cc1", "OC(=O)c1cccc(Br)c1", "OC(=O)c1ccncc1", "OC(=O)c1ccc(Cl)nc1",
    "OC(=O)c1ccco1", "OC(=O)c1cccs1", "OC(=O)c1c[nH]c2ccccc12", "OC(=O)C1CCCCC1", "OC(=O)C1CCOCC1",
    "OC(=O)C1CC1", "OC(=O)COc1ccc(Cl)cc1", "OC(=O)COc1ccccc1Br", "OC(=O)CCc1ccccc1",
    "OC(=O)c1ccc([N+](=O)[O-])cc1",
    "OC(=O)c1cc(C)n(C)n1", "OC(=O)c1ccc(S(C)(=O)=O)cc1", "OC(=O)CN1C(=O)CCC1=O", "OC(=O)c1ccc2c(c1)OCO2",
    "OC(=O)c1ccc(Br)s1", "OC(=O)C(C)(C)C", "OC(=O)c1cccc(OC)c1", "OC(=O)c1ccc(N(C)C)cc1", "OC(=O)c1cnccn1",
)  # fmt: skip
SULFONYL_CHLORIDES = (
    "O=S(=O)(Cl)c1ccccc1", "O=S(=O)(Cl)c1ccc(C)cc1", "O=S(=O)(Cl)c1ccc(Br)cc1", "O=S(=O)(Cl)c1cccs1",
    "CS(=O)(=O)Cl", "O=S(=O)(Cl)C1CC1",
    "O=S(=O)(Cl)c1ccc(OC)cc1", "O=S(=O)(Cl)c1cccnc1", "O=S(=O)(Cl)c1ccc(F)cc1",
)  # fmt: skip
BORONIC_ACIDS = (
    "OB(O)c1ccccc1", "OB(O)c1ccc(F)cc1", "OB(O)c1ccncc1", "OB(O)c1cnn(C)c1", "OB(O)c1ccc(OC)cc1",
    "OB(O)c1ccco1", "OB(O)c1ccc(C(N)=O)cc1", "OB(O)c1cccc(C#N)c1", "OB(O)c1ccc(O)cc1",
)  # fmt: skip

LINKERS = (
    "OC(=O)CN", "OC(=O)C(C)N", "OC(=O)C1CCNCC1", "OC(=O)C1CCCN1", "OC(=O)c1ccc(N)cc1", "OC(=O)c1cccc(CN)c1",
    "OC(=O)C(N)Cc1ccccc1", "OC(=O)CCN",
)  # fmt: skip

AMIDE = "[CX3:1](=[O:2])[OX2H].[NX3;H2,H1;!$(NC=O);!$(NS):3]>>[C:1](=[O:2])[N:3]"
SULFONAMIDE = "[SX4:1](=[O:2])(=[O:3])Cl.[NX3;H2,H1;!$(NC=O);!$(NS):4]>>[S:1](=[O:2])(=[O:3])[N:4]"
COUPLING = "[c:1][Br].[c:2]B(O)O>>[c:1]-[c:2]"

# The rule: a log-odds of label 1 that starts at the intercept; each pattern adds its weight once.
INTERCEPT = -0.4
RULE = {
    "sulfonamide": ("S(=O)(=O)N", -2.2),
    "biaryl": ("c-c", 1.8),
    "secondary amide": ("[CX3](=O)[NX3;H1]", 0.9),
    "basic amine": ("[NX3;H0;!$(NC=O);!$(NS);!$(N-c)]([#6])([#6])[#6]", -1.4),
    "halogen on an aromatic ring": ("c[F,Cl,Br]", 1.0),
}


@dataclass(frozen=True)
class Simulation:
    """Simulated molecules.

    Parameters
    ----------
    smiles
        Distinct canonical SMILES.
    probability
        float64, shape (n_rows,): the true probability of label 1.
    labels
        int64, shape (n_rows,): labels drawn with that probability.
    """

    smiles: list[str]
    probability: NDArray[np.float64]
    labels: NDArray[np.int64]

    @property
    def best_auroc(self) -> float:
        """The expected AUROC of ranking by the true probability, which no model can beat."""
        return expected_auroc(self.probability)

    @property
    def columns(self) -> dict[str, Sequence[object]]:
        """The columns of its table."""
        return {
            "P1": self.labels.tolist(), "mol_id": number_molecules(len(self.smiles)), "smiles": self.smiles,
        }  # fmt: skip

    @property
    def description(self) -> str:
        """What the labels are, in words."""
        return f"{self.labels.mean():.1%} with P1 = 1"

    @property
    def best(self) -> str:
        """The best that a model can reach, in words."""
        return f"AUROC: {self.best_auroc:.4f}"


def expected_auroc(probability: NDArray[np.float64]) -> float:
    """Return the expected AUROC of ranking rows by the probabilities that their labels are drawn with.

    It is the probability that the positive row of a random pair of a positive and a negative row ranks
    higher, where a tie counts half. Each pair is weighted by the probability that it is such a pair.

    Parameters
    ----------
    probability
        float64, shape (n_rows,).
    """
    values, counts = np.unique(probability, return_counts=True)
    positive, negative = values * counts, (1 - values) * counts
    negative_below = np.cumsum(negative) - negative
    wins = np.sum(positive * (negative_below + negative / 2))
    return float(wins / (positive.sum() * negative.sum()))


def simulate(n_rows: int, seed: int) -> Simulation:
    """Make molecules and label them.

    Parameters
    ----------
    n_rows
        The number of distinct molecules.
    seed
        The same seed gives the same rows.

    Raises
    ------
    DataError
        The building blocks do not yield that many molecules.
    """
    rng = np.random.default_rng(seed)
    mols: dict[str, Mol] = {}
    for mol in _products(rng):
        mols.setdefault(Chem.MolToSmiles(mol), mol)
        if len(mols) == n_rows:
            break
    else:
        raise DataError(
            f"the building blocks give only {len(mols)} molecules", hint="ask for fewer with --rows"
        )
    probability = np.array([true_probability(mol) for mol in mols.values()])
    labels = (rng.random(n_rows) < probability).astype(np.int64)
    return Simulation(list(mols), probability, labels)


def true_probability(mol: Mol) -> float:
    """Return the probability of label 1 that the rule gives a molecule."""
    return float(1 / (1 + np.exp(-INTERCEPT - weigh_patterns(mol))))


def weigh_patterns(mol: Mol) -> float:
    """Return the sum of the weights of the patterns of the rule that a molecule has."""
    return sum(
        weight for smarts, weight in RULE.values() if mol.HasSubstructMatch(Chem.MolFromSmarts(smarts))
    )


def number_molecules(n_rows: int) -> list[str]:
    """Return the identifiers of simulated molecules."""
    return [f"SIM{row:06d}" for row in range(1, n_rows + 1)]


class HasColumns(Protocol):
    """A simulation, of whatever kind."""

    @property
    def columns(self) -> Mapping[str, Sequence[object]]:
        """The columns of its table, by their names."""


def write_simulation(simulation: HasColumns, path: str | Path) -> None:
    """Write a simulation as a CSV file."""
    if Path(path).suffix != ".csv":
        raise DataError("a simulation is a CSV file", path=path, hint="end its name in .csv")
    columns = simulation.columns
    header = Header(list(columns), ",".join(columns).encode())
    lines = [header.raw, *(encode_row(row, header) for row in zip(*columns.values(), strict=True))]
    with write_whole(path) as temporary:
        temporary.write_bytes(b"\n".join(lines) + b"\n")


def _products(rng: np.random.Generator) -> Iterator[Mol]:
    """Yield drug-like products in random order.

    An amine, or an amine behind a linker, is acylated or sulfonylated; an aromatic bromide in the product may
    be coupled with a boronic acid.
    """
    amide, sulfonamide, coupling = map(rdChemReactions.ReactionFromSmarts, (AMIDE, SULFONAMIDE, COUPLING))
    reagents = [(amide, acid) for acid in ACIDS] + [
        (sulfonamide, chloride) for chloride in SULFONYL_CHLORIDES
    ]
    sizes = (len(reagents), len(LINKERS) + 1, len(AMINES), len(BORONIC_ACIDS) + 1)
    for choice in rng.permutation(np.prod(sizes)):
        reagent, linker, amine, boronic_acid = np.unravel_index(choice, sizes)
        reaction, first = reagents[reagent]
        if boronic_acid and "Br" not in first:
            continue
        product = _mol(AMINES[amine])
        if linker:
            product = _react(amide, _mol(LINKERS[linker - 1]), product)
        product = product and _react(reaction, _mol(first), product)
        if boronic_acid:
            product = product and _react(coupling, product, _mol(BORONIC_ACIDS[boronic_acid - 1]))
        if product is not None and _is_drug_like(product):
            yield product


@lru_cache(maxsize=256)
def _mol(smiles: str) -> Mol:
    return Chem.MolFromSmiles(smiles)


def _react(reaction: rdChemReactions.ChemicalReaction, first: Mol, second: Mol) -> Mol | None:
    products = reaction.RunReactants((first, second))
    if not products:
        return None
    product = products[0][0]
    return product if Chem.SanitizeMol(product, catchErrors=True) == Chem.SANITIZE_NONE else None


def _is_drug_like(mol: Mol) -> bool:
    """Return whether a molecule meets the rule of five, doi:10.1016/S0169-409X(96)00423-1."""
    weight = rdMolDescriptors.CalcExactMolWt(mol)
    logp, _ = rdMolDescriptors.CalcCrippenDescriptors(mol)
    return 150 <= weight <= 500 and logp <= 5 and rdMolDescriptors.CalcNumHBD(mol) <= 5
