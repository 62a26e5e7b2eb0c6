"""How faithful a student is to its teachers, on molecules that it did not learn from."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

N_PARTS = 5
FEWEST = 10

Array = NDArray[np.float64]


def measure_fidelity(
    teacher: Array, student: Array, rank: Array, is_inside: NDArray[np.bool_]
) -> dict[str, dict[str, float]]:
    """Compare the scores of a student with those of its teachers.

    Parameters
    ----------
    teacher, student
        Calibrated scores of one target, shape (n_mols, n_scores); NaN where there is none.
    rank
        By what molecules are parted into fifths, shape (n_mols,); NaN where they cannot be.
    is_inside
        Which molecules are inside the applicability domain of the teachers, shape (n_mols,).

    Returns
    -------
    For each part what `servier.checkpoint.distillation_facts.DistillationFacts.fidelity` has of it. Parts of
    fewer than ten molecules are left out.
    """
    known = ~np.isnan(teacher).any(axis=1)
    parts = {"all": known, "inside domain": known & is_inside, "outside domain": known & ~is_inside}
    ranked = known & ~np.isnan(rank)
    if ranked.any():
        edges = np.quantile(rank[ranked], np.linspace(0, 1, N_PARTS + 1)[1:-1])
        place = np.searchsorted(edges, rank, side="right")
        for part in range(N_PARTS):
            width = 100 // N_PARTS
            parts[f"{part * width} to {(part + 1) * width} %"] = ranked & (place == part)
    return {
        name: _compare(teacher[rows], student[rows]) for name, rows in parts.items() if rows.sum() >= FEWEST
    }


def _compare(teacher: Array, student: Array) -> dict[str, float]:
    """Return the facts of one part."""
    squares = float(np.sum((student - teacher) ** 2))
    spread = float(np.sum((teacher - teacher.mean(axis=0)) ** 2))
    found = {"molecules": float(len(teacher)), "rmse": float(np.sqrt(squares / teacher.size))}
    if spread > 0:
        found["r2"] = 1 - squares / spread
    ranks = [
        float(stats.spearmanr(a, b).statistic)
        for a, b in zip(teacher.T, student.T, strict=True)
        if np.ptp(a) > 0 and np.ptp(b) > 0
    ]
    return found | ({"spearman": float(np.mean(ranks))} if ranks else {})
