"""The recipe of model 2, a network that reads SMILES strings."""

from dataclasses import dataclass, field

EPOCHS = [3, 5, 8, 12, 20]
SHIPPED, NONE = "shipped", "none"
ENCODERS = (SHIPPED, NONE)
"""The words for encoders that are no files."""


@dataclass(frozen=True)
class Recipe:
    """How model 2 is trained.

    Parameters
    ----------
    encoder
        The pre-trained encoder to start from: `shipped`, the path of a file that `servier pretrain` made, or
        `none`.
    architecture
        Sizes of the network that differ from the defaults; only without a pre-trained encoder.
    dropout
        The share of values that are dropped before the output.
    batch_size, learning_rate, weight_decay
        The settings of the AdamW optimizer; the rate rises for 20 steps and is constant then.
    epochs
        The numbers of passes over the rows to try, each pass with new randomized SMILES. The number after
        which networks score held-out rows best is used, for noisy labels are soon memorized.
    folds
        The number of cross-validation folds, whose held-out scores calibrate the model.
    kernel_rows
        The most rows on which a support vector machine is fitted beside the network, with a pre-trained
        encoder; 0 for no such machine.
    n_smiles
        The number of SMILES of a molecule that a score is averaged over. The network and the support vector
        machine each read half of them, so that both together cost no more than one.
    """

    encoder: str = SHIPPED
    architecture: dict[str, int] = field(default_factory=dict)
    dropout: float = 0.2
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    epochs: list[int] = field(default_factory=EPOCHS.copy)
    folds: int = 3
    kernel_rows: int = 4096
    n_smiles: int = 8
