"""The sizes of the network that reads SMILES strings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from servier.errors import RecipeError

MAX_SIZE = 4096


@dataclass(frozen=True)
class Architecture:
    """Sizes of the encoder.

    Parameters
    ----------
    embedding
        The size of the embedding of a token.
    convolution
        The number of channels of the convolution over five tokens.
    width
        The width of each direction of the recurrent layer.
    dense
        The width of the two hidden layers that follow, and of the vector that describes a molecule.
    """

    embedding: int = 64
    convolution: int = 128
    width: int = 128
    dense: int = 512


def make_architecture(sizes: Mapping[Any, Any]) -> Architecture:
    """Return the default architecture with other sizes, by name.

    Raises
    ------
    RecipeError
        There is no size of that name, or it is not a whole number above 0.
    """
    known = asdict(Architecture())
    for name, size in sizes.items():
        if name not in known:
            raise RecipeError(f"unknown key {name!r} in architecture", hint=f"known are {', '.join(known)}")
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            problem = f"{name} in architecture is {size!r}, not a whole number above 0"
            raise RecipeError(problem, hint=f"the default is {known[name]}")
        if size > MAX_SIZE:
            raise RecipeError(f"{name} in architecture is {size}, the most is {MAX_SIZE}")
    return Architecture(**sizes)
