"""The registry of featurizers, and the presets made of them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from servier.chem.levels import Stereo
from servier.errors import RecipeError
from servier.features.base import CHIRALITY, Featurizer, GeneratedFingerprint
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


def choose_features(preset: str, stereo: Stereo = Stereo.IGNORE) -> list[dict[str, Any]]:
    """Return the specification of a preset, whose fingerprints tell stereoisomers apart if stereo is used."""
    chirality = {CHIRALITY: True} if stereo is Stereo.USE else {}
    return [
        spec | (chirality if issubclass(FEATURIZERS[spec["kind"]], GeneratedFingerprint) else {})
        for spec in PRESETS[preset]
    ]


def stereo_of(specs: Sequence[dict[str, Any]]) -> Stereo:
    """Return whether fingerprints tell stereoisomers apart."""
    return Stereo.USE if any(spec.get(CHIRALITY) for spec in specs) else Stereo.IGNORE


def build(spec: dict[str, Any]) -> Featurizer:
    """Build one featurizer from its specification.

    Raises
    ------
    RecipeError
        There is no such featurizer or parameter, or a parameter cannot have such a value.
    """
    parameters = dict(spec)
    kind = parameters.pop("kind", None)
    if not isinstance(kind, str) or kind not in FEATURIZERS:
        known = ", ".join(sorted(FEATURIZERS))
        raise RecipeError(f"no featurizer is called {kind!r}", hint=f"choose among {known}")
    defaults = asdict(FEATURIZERS[kind]())
    for name, value in parameters.items():
        if name not in defaults:
            raise RecipeError(f"{kind} has no parameter {name!r}", hint=f"there are {', '.join(defaults)}")
        if type(value) is not type(defaults[name]):
            raise RecipeError(f"{name} of {kind} is {value!r}", hint=f"the default is {defaults[name]!r}")
        low, high = FEATURIZERS[kind].limits[name]
        if not low <= value <= high:
            raise RecipeError(f"{name} of {kind} is {value!r}", hint=f"between {low} and {high} is possible")
    return FEATURIZERS[kind](**parameters)
