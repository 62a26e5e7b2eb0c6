"""The options of pre-training."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PretrainingOptions:
    """The options of pre-training.

    Parameters
    ----------
    molecules
        The number of molecules to draw from the library; 0 for all.
    epochs
        The number of passes over the molecules, each with other randomized SMILES.
    batch_size, learning_rate
        The settings of the optimizer.
    n_smiles
        The number of randomized SMILES of each molecule.
    architecture
        Sizes of the network that differ from the defaults.
    seed
        The seed of all randomness.
    """

    molecules: int = 0
    epochs: int = 5
    batch_size: int = 256
    learning_rate: float = 2e-3
    n_smiles: int = 8
    architecture: dict[str, int] = field(default_factory=dict)
    seed: int = 0
