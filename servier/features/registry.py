"""The registry of featurizers, and the presets made of them."""

from typing import Any

from servier.errors import RecipeError
from servier.features.base import Featurizer
from servier.features.descriptors import Descriptors2D
from servier.features.erg import ErG
from servier.features.morgan import MorganCount
from servier.features.paths import AtomPairCount, TorsionCount
from servier.features.physchem import Physchem

FEATURIZERS: dict[str, type[Featurizer]] = {
    featurizer.kind: featurizer
    for featurizer in (MorganCount, AtomPairCount, TorsionCount, ErG, Descriptors2D, Physchem)
}


PRESETS: dict[str, list[dict[str, Any]]] = {
    "fast": [{"kind": "morgan_count", "radius": 2, "fp_size": 2048}, {"kind": "physchem"}],
    "accurate": [
        {"kind": "morgan_count", "radius": 2, "fp_size": 2048},
        {"kind": "atom_pair_count"},
        {"kind": "torsion_count"},
        {"kind": "erg"},
        {"kind": "descriptors_2d"},
    ],
}


def build(spec: dict[str, Any]) -> Featurizer:
    """Build one featurizer from its specification."""
    parameters = dict(spec)
    kind = parameters.pop("kind", None)
    if kind not in FEATURIZERS:
        known = ", ".join(sorted(FEATURIZERS))
        raise RecipeError(f"no featurizer is called {kind!r}", hint=f"choose among {known}")
    try:
        return FEATURIZERS[kind](**parameters)
    except TypeError as error:
        raise RecipeError(f"{kind}: {error}") from error
