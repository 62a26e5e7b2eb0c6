"""The parameters of LightGBM that a recipe may set: those that decide which trees grow.

Every checkpoint has a recipe, from which `servier evaluate --folds` trains. LightGBM's other parameters name
files that it reads or writes and machines that it waits for, choose devices, or make models that the graph of
a checkpoint does not have.
"""

from collections.abc import Mapping
from typing import Any

from servier.checkpoint.documents import show
from servier.errors import RecipeError

Limits = tuple[float, float]

_WHOLE: Mapping[str, Limits] = {
    "num_leaves num_leaf max_leaves max_leaf max_leaf_nodes": (2, 1024),
    "max_depth": (-1, 1000),
    "min_data_in_leaf min_data_per_leaf min_data min_child_samples min_samples_leaf": (0, 1e9),
    "bagging_freq subsample_freq": (0, 1e6),
    "bagging_seed bagging_fraction_seed": (0, 2**31 - 1),
    "feature_fraction_seed": (0, 2**31 - 1),
    "extra_seed": (0, 2**31 - 1),
    "max_bin max_bins": (2, 65_535),
    "min_data_in_bin": (1, 1e9),
    "bin_construct_sample_cnt subsample_for_bin": (1, 1e9),
}
_REAL: Mapping[str, Limits] = {
    "learning_rate shrinkage_rate eta": (1e-6, 100),
    "min_sum_hessian_in_leaf min_sum_hessian_per_leaf min_sum_hessian min_hessian min_child_weight": (0, 1e9),
    "feature_fraction sub_feature colsample_bytree": (1e-6, 1),
    "feature_fraction_bynode sub_feature_bynode colsample_bynode": (1e-6, 1),
    "bagging_fraction sub_row subsample bagging": (1e-6, 1),
    "pos_bagging_fraction pos_sub_row pos_subsample pos_bagging": (1e-6, 1),
    "neg_bagging_fraction neg_sub_row neg_subsample neg_bagging": (1e-6, 1),
    "lambda_l1 reg_alpha l1_regularization": (0, 1e9),
    "lambda_l2 reg_lambda lambda l2_regularization": (0, 1e9),
    "min_gain_to_split min_split_gain": (0, 1e9),
    "max_delta_step max_tree_output max_leaf_output": (0, 1e9),
    "path_smooth": (0, 1e9),
    "scale_pos_weight": (1e-6, 1e6),
}
_FLAGS = ("extra_trees extra_tree", "is_unbalance unbalance unbalanced_sets", "boost_from_average")


def _by_name(limits: Mapping[str, Limits]) -> dict[str, Limits]:
    return {name: found for names, found in limits.items() for name in names.split()}


WHOLE, REAL = _by_name(_WHOLE), _by_name(_REAL)
FLAGS = frozenset(" ".join(_FLAGS).split())
"""The names, those that LightGBM takes for the same included, with the least and the greatest value."""

GAIN, WITHOUT = "fingerprint_gain", "without"
_MAX_GAIN = 100.0


def check_parameters(values: Mapping[Any, Any]) -> None:
    """Refuse parameters that a recipe may not set, and values that they cannot have.

    Raises
    ------
    RecipeError
        There is one.
    """
    for name, value in values.items():
        low, high = WHOLE.get(name) or REAL.get(name) or (0, 1)
        kinds: Any = bool if name in FLAGS else int if name in WHOLE else (int, float)
        if name not in WHOLE and name not in REAL and name not in FLAGS:
            hint = "a booster may also have fingerprint_gain and without"
            raise RecipeError(f"LightGBM has no parameter {show(name)} that a recipe may set", hint=hint)
        if not isinstance(value, kinds) or (isinstance(value, bool) and name not in FLAGS):
            wanted = "true or false" if name in FLAGS else "a whole number" if name in WHOLE else "a number"
            raise RecipeError(f"{name} is {show(value)}, not {wanted}")
        if not low <= value <= high:
            raise RecipeError(f"{name} is {show(value)}", hint=f"between {low:g} and {high:g} is possible")


def check_booster(values: Mapping[Any, Any]) -> None:
    """Refuse what a booster of a recipe cannot have.

    Raises
    ------
    RecipeError
        There is such a thing.
    """
    gain, without = values.get(GAIN, 1.0), values.get(WITHOUT, [])
    if not isinstance(gain, (int, float)) or isinstance(gain, bool) or not 0 <= gain <= _MAX_GAIN:
        hint = f"between 0 and {_MAX_GAIN:g} is possible"
        raise RecipeError(f"{GAIN} is {show(gain)}", hint=hint)
    if not isinstance(without, list) or not all(isinstance(kind, str) for kind in without):
        raise RecipeError(f"{WITHOUT} is {show(without)}, not a list of names")
    check_parameters({name: value for name, value in values.items() if name not in (GAIN, WITHOUT)})
