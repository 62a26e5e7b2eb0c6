"""How far answers differ between the forms of a molecule: its stereoisomers, or its tautomers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.chem.forms import list_stereoisomers, list_tautomers
from servier.chem.levels import Level
from servier.chem.molecules import InvalidMolecule, Mol, canonical_smiles
from servier.errors import CheckpointError

BATCH = 512
"""As many forms are scored at a time, or as many more as a molecule has."""
STATISTICS = ("mean", "low", "high")
MOST_FORMS = {"stereoisomers": 1000, "tautomers": 200}
"""How many forms of each kind may be asked for."""

_LISTS = {"stereoisomers": list_stereoisomers, "tautomers": list_tautomers}

Answer = Callable[[Sequence[str]], NDArray[np.float64]]
"""From SMILES strings to the answers for them, shape (n_strings, n_answers); NaN where there is none."""


@dataclass(frozen=True)
class Forms:
    """Of which forms of a molecule answers are given too.

    Parameters
    ----------
    stereoisomers, tautomers
        How many at most; None for none.
    """

    stereoisomers: int | None = None
    tautomers: int | None = None

    @property
    def limits(self) -> dict[str, int]:
        """How many there are at most of each kind that is asked for."""
        return {kind: limit for kind, limit in vars(self).items() if limit is not None}


NO_FORMS = Forms()


def require_unlike_forms(forms: Forms, level: Level, *, reads_stereo: bool) -> None:
    """Refuse to give answers for forms that all have one.

    Parameters
    ----------
    forms
        What is asked for.
    level
        How far the models standardize molecules.
    reads_stereo
        Whether answers depend on stereochemistry.

    Raises
    ------
    CheckpointError
        The models do not tell such forms apart.
    """
    if forms.stereoisomers is not None and not reads_stereo:
        hint = "leave out --stereoisomers, or train with --stereo use"
        raise CheckpointError(
            "stereoisomers have one answer, for the models ignore stereochemistry", hint=hint
        )
    if forms.tautomers is not None and level is Level.TAUTOMER:
        hint = "leave out --tautomers"
        raise CheckpointError("tautomers have one answer, for the canonical one is scored", hint=hint)


@dataclass(frozen=True)
class Spread:
    """The answers for the forms of some molecules.

    Parameters
    ----------
    n_forms
        How many forms of each molecule there are, float64, shape (n_rows,); NaN where that is not known.
    answers
        The mean, the lowest and the highest answer, float64, shape (n_rows, n_answers, 3); NaN where there is
        none.
    """

    n_forms: NDArray[np.float64]
    answers: NDArray[np.float64]

    def select(self, chosen: NDArray[np.bool_]) -> "Spread":
        """Return the answers of the chosen rows: bool, shape (n_rows,)."""
        return Spread(self.n_forms[chosen], self.answers[chosen])


def measure_spread(
    kind: str,
    limit: int,
    mols: Iterable[Mol | InvalidMolecule],
    plain: NDArray[np.float64],
    answer: Answer,
) -> Spread:
    """Return the answers for the forms of molecules.

    Parameters
    ----------
    kind, limit
        Which forms, a field of `Forms`, and how many at most.
    mols
        The molecules, as they are scored.
    plain
        The answers for them, float64, shape (n_rows, n_answers); NaN where there is none. A molecule that is
        its only form keeps them.
    answer
        Answers for the forms.
    """
    spread = Spread(np.full(len(plain), np.nan), np.full((*plain.shape, len(STATISTICS)), np.nan))
    listed = _list_forms(kind, limit, mols, plain)
    for batch in _gather(listed):
        answers = answer([text for _, texts in batch for text in texts])
        start = 0
        for row, texts in batch:
            own = answers[start : start + len(texts)]
            start += len(texts)
            known = own[~np.isnan(own).any(axis=1)]
            if not texts:
                known = plain[row : row + 1]
            if len(known):
                spread.n_forms[row] = len(known)
                spread.answers[row] = np.stack([known.mean(axis=0), known.min(axis=0), known.max(axis=0)], 1)
    return spread


def _list_forms(
    kind: str, limit: int, mols: Iterable[Mol | InvalidMolecule], plain: NDArray[np.float64]
) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with answers, and their forms to be scored: none for a molecule that is its only form."""
    for row, (mol, values) in enumerate(zip(mols, plain, strict=True)):
        if isinstance(mol, InvalidMolecule) or np.isnan(values).any():
            continue
        try:
            texts = _LISTS[kind](mol, limit)
        except (RuntimeError, ValueError):  # RDKit cannot tell the forms
            continue
        if texts:
            yield row, [] if texts == [canonical_smiles(mol)] else texts


def _gather(listed: Iterable[tuple[int, list[str]]]) -> Iterator[list[tuple[int, list[str]]]]:
    """Yield rows with their forms in batches."""
    batch: list[tuple[int, list[str]]] = []
    size = 0
    for row, texts in listed:
        batch.append((row, texts))
        size += len(texts)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
