"""Questions to worker processes: to score, draw and explain molecules, and to find their neighbours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from servier.checkpoint.file import Checkpoint
from servier.chem.drawing import draw_structure
from servier.chem.molecules import InvalidMolecule, canonical_smiles, parse_smiles
from servier.errors import ServierError
from servier.explaining.atoms import explain
from servier.explaining.drawing import draw_contributions
from servier.scoring.neighbours import find_neighbours
from servier.scoring.predictions import as_answer, as_answers
from servier.scoring.scorer import Scorer
from servier.scoring.spreads import NO_FORMS, Forms

CONFIDENCE = "0.9"
CONSENSUS = "consensus"
N_NEIGHBOURS = 3

Scorers = Mapping[str, Scorer]
Row = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """The work of answering questions with the models.

    Parameters
    ----------
    checkpoints
        The checkpoints.
    parts
        The checkpoints of each model name.
    """

    checkpoints: Mapping[str, Checkpoint]
    parts: Mapping[str, Sequence[str]]

    def prepare(self) -> Callable[[Sequence[Any]], Any]:
        """Load the models, and return the function that answers the single question of a list."""
        scorers = {
            name: Scorer([self.checkpoints[part] for part in parts], confidences=[CONFIDENCE])
            for name, parts in self.parts.items()
        }
        return lambda questions: questions[0].answer(scorers)


@dataclass(frozen=True)
class Score:
    """Score molecules, and forms of them; the answer is a row for each molecule, in order."""

    model_name: str
    smiles: tuple[str, ...]
    forms: Forms = NO_FORMS

    @property
    def weight(self) -> int:
        """How many molecules each counts for: itself, and as many forms as it may have."""
        return 1 + sum(self.forms.limits.values())

    @property
    def size(self) -> int:
        """The number of molecules; the time of each is for all its forms, as in files."""
        return len(self.smiles)

    def answer(self, scorers: Scorers) -> list[Row]:
        """Return the SMILES, the canonical SMILES if it is valid, and the predictions of each molecule."""
        scorer = scorers[self.model_name]
        mols = scorer.parse(self.smiles)
        predictions = scorer.score_molecules(mols)
        texts = [(text, None) for text in self.smiles]
        rows = as_answers(scorer.add_spreads(predictions, texts, self.forms))
        return [
            {"smile": text, **_name(mol), **row}
            for text, mol, row in zip(self.smiles, mols, rows, strict=True)
        ]


@dataclass(frozen=True)
class Draw:
    """Draw the structure of a molecule: SVG, or why there is none."""

    smiles: str
    size = 1

    def answer(self, _: Scorers) -> str | InvalidMolecule:
        """Return an SVG document."""
        mol = parse_smiles(self.smiles)
        return mol if isinstance(mol, InvalidMolecule) else draw_structure(mol)


@dataclass(frozen=True)
class Explain:
    """Draw what each atom contributes to the score: SVG, or why there is none."""

    model_name: str
    smiles: str
    target: str | None
    size = 1

    def answer(self, scorers: Scorers) -> str | InvalidMolecule | ServierError:
        """Return an SVG document."""
        scorer = scorers[self.model_name]
        (mol,) = scorer.parse([self.smiles])
        predictions = scorer.score_molecules([mol])
        if problem := predictions.problems[0]:
            return problem
        try:
            explanation = explain(scorer, mol, self.target)
        except ServierError as error:
            return error
        return draw_contributions(explanation, as_answer(self.smiles, self.model_name, predictions))


@dataclass(frozen=True)
class Compare:
    """Find the training molecules that are most like a molecule; the answer is a row for each."""

    model_name: str
    smiles: str
    size = 1

    def answer(self, scorers: Scorers) -> list[Row]:
        """Return SMILES, drawing, similarity, and labels of each; none for an invalid molecule."""
        scorer = scorers[self.model_name]
        (mol,) = scorer.parse([self.smiles])
        if isinstance(mol, InvalidMolecule):
            return []
        rows = []
        for found in find_neighbours(scorer.checkpoints, mol, N_NEIGHBOURS):
            known = parse_smiles(found.smiles)
            rows.append(
                {
                    "smiles": found.smiles,
                    "similarity": found.similarity,
                    "labels": found.labels,
                    "relations": found.relations,
                    "svg": "" if isinstance(known, InvalidMolecule) else draw_structure(known),
                }
            )
        return rows


def _name(mol: Any) -> dict[str, str]:
    return {} if isinstance(mol, InvalidMolecule) else {"canonical_smiles": canonical_smiles(mol)}
