import random

import pytest
from rdkit import Chem
from rdkit.Chem import BRICS

from servier.chem.recombination import CHANGES, make_molecules
from servier.data.simulation import simulate

EXAMPLES = [
    "c1ccccc1", "Fc1ccccc1", "Clc1ccccc1", "Brc1ccccc1", "Cc1ccccc1", "COc1ccccc1", "c1ccncc1", "CCCCO",
    "CCNC", "CCOCC", "CC(=O)O", "CN(C)CC",
]  # fmt: skip


@pytest.fixture(scope="module")
def parents():
    return [Chem.MolFromSmiles(smiles) for smiles in simulate(60, 5).smiles]


@pytest.fixture(scope="module")
def made(parents):
    return make_molecules(parents, 400, 0)


def test_what_is_made_is_new_and_can_be_read(parents, made):
    """Canonical SMILES of RDKit, each once, none of a parent, and as many as were asked for."""
    known = {Chem.MolToSmiles(mol) for mol in parents}
    assert len(made) == len(set(made)) == 400
    assert not known & set(made)
    assert [Chem.CanonSmiles(smiles) for smiles in made] == made


def test_sizes_are_those_of_parents(parents, made):
    """Nothing is larger or smaller than all parents."""
    sizes = [mol.GetNumHeavyAtoms() for mol in parents]
    for smiles in made:
        assert min(sizes) <= Chem.MolFromSmiles(smiles).GetNumHeavyAtoms() <= max(sizes)


def test_the_seed_decides_and_the_order_of_parents_does_not(parents, made):
    """The same parents in another order give the same molecules, another seed gives others."""
    shuffled = list(parents)
    random.Random(1).shuffle(shuffled)
    assert make_molecules(shuffled, 400, 0) == made
    assert len(set(make_molecules(parents, 400, 1)) & set(made)) < 200


def test_molecules_are_made_of_pieces_of_several_parents(parents, made):
    """BRICS finds fragments of two parents, which have none in common, in some of what was made."""
    fragments = [BRICS.BRICSDecompose(mol, minFragmentSize=4) for mol in parents]
    joined = 0
    for smiles in made:
        own = BRICS.BRICSDecompose(Chem.MolFromSmiles(smiles), minFragmentSize=4)
        joined += any(own <= a | b and not own <= a and not own <= b for a in fragments for b in fragments)
    assert joined > 20


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_makes_a_molecule_of_another(change):
    """Each reaction applies to one of a few small molecules and gives one that RDKit accepts."""
    reaction = Chem.rdChemReactions.ReactionFromSmarts(change)
    products = [
        product
        for example in EXAMPLES
        for (product,) in reaction.RunReactants((Chem.MolFromSmiles(example),))
    ]
    assert any(Chem.SanitizeMol(product, catchErrors=True) == Chem.SANITIZE_NONE for product in products)


def test_few_parents_make_what_they_can():
    """Of none nothing is made, and of methane not what would be larger."""
    assert make_molecules([], 10, 0) == []
    assert make_molecules([Chem.MolFromSmiles("C")], 10, 0) in ([], ["O"])
