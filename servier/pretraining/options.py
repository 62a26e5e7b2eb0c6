"""How to pre-train."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PretrainingOptions:
    """How to pre-train.

    Parameters
    ----------
    molecules
        How many molecules of the library are taken, drawn at random; 0 for all.
    epochs
        How often every molecule is seen, each time as another randomized SMILES.
    batch_size, learning_rate
        Of the optimizer.
    n_smiles
        How many randomized SMILES of each molecule are made.
    architecture
        Sizes of the network that differ from the defaults.
    seed
        Of all randomness.
    """

    molecules: int = 0
    epochs: int = 5
    batch_size: int = 256
    learning_rate: float = 2e-3
    n_smiles: int = 8
    architecture: dict[str, int] = field(default_factory=dict)
    seed: int = 0
