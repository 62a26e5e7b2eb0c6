from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from molecules_for_tests import SMILES
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from rdkit.DataStructs import BulkTanimotoSimilarity

from servier.checkpoint.archive import pack_lines, unpack_lines
from servier.checkpoint.file import make_checkpoint, open_checkpoint
from servier.checkpoint.reference import REFERENCE, encode_reference
from servier.chem.molecules import parse_smiles
from servier.scoring.neighbours import find_neighbours


@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])), min_size=1))
def test_lines_come_back(lines):
    """Texts that were packed are unpacked as they were."""
    assert unpack_lines(pack_lines(lines)) == lines


@pytest.mark.parametrize("smiles", SMILES[:10])
def test_the_nearest_are_those_of_rdkit(model_1, smiles):
    """The similarities are the highest of RDKit's, in falling order, each with the molecule that it means."""
    checkpoint = open_checkpoint(model_1)
    known = checkpoint.reference.smiles
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    vectors = [generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in known]
    query = generator.GetFingerprint(Chem.MolFromSmiles(smiles))
    expected = dict(zip(known, BulkTanimotoSimilarity(query, vectors), strict=True))
    found = find_neighbours([checkpoint], parse_smiles(smiles), 5)
    assert [neighbour.similarity for neighbour in found] == pytest.approx(sorted(expected.values())[:-6:-1])
    assert all(neighbour.similarity == pytest.approx(expected[neighbour.smiles]) for neighbour in found)


def test_labels_are_those_of_training(model_1, model_2, simulated):
    """A training molecule is its own nearest neighbour, with its label, once for several models."""
    lines = simulated.read_text().splitlines()
    checkpoints = [open_checkpoint(path) for path in (model_1, model_2)]
    row = checkpoints[0].reference.train_lines[0]
    cells = dict(zip(lines[0].split(","), lines[row - 1].split(","), strict=True))
    nearest, second = find_neighbours(checkpoints, parse_smiles(cells["smiles"]), 2)
    assert nearest.similarity == 1.0
    assert nearest.smiles == Chem.CanonSmiles(cells["smiles"])
    assert nearest.labels == {"P1": float(cells["P1"])}
    assert second.smiles != nearest.smiles


def test_a_checkpoint_without_molecules_names_none(model_1):
    """A checkpoint of an earlier version, which holds no SMILES of its training molecules, is no error."""
    checkpoint = open_checkpoint(model_1)
    without = encode_reference(replace(checkpoint.reference, train_smiles=None))
    checkpoint = make_checkpoint(checkpoint.metadata, {**checkpoint.entries, REFERENCE: without})
    assert find_neighbours([checkpoint], parse_smiles("CCO"), 3) == []


def test_molecules_without_bits_have_no_similarity(model_1):
    """A similarity is a number even where neither molecule has a bit."""
    found = find_neighbours([open_checkpoint(model_1)], parse_smiles("[H][H]"), 1)
    assert not np.isnan(found[0].similarity)
