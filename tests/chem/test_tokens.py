from hypothesis import given
from hypothesis import strategies as st
from molecules_for_tests import SMILES
from rdkit import Chem

from servier.chem.tokens import PADDING, UNKNOWN, Tokenizer, by_length, pad_tokens, split_tokens


@given(st.text(max_size=80))
def test_tokens_joined_are_the_string(text):
    """Nothing is lost, whatever the string."""
    assert "".join(split_tokens(text)) == text


def test_each_atom_is_one_token():
    """RDKit counts as many atoms as there are tokens with a letter in them or an asterisk."""
    for smiles in SMILES:
        tokens = [token for token in split_tokens(smiles) if any(c.isalpha() or c == "*" for c in token)]
        params = Chem.SmilesParserParams()
        params.removeHs = False
        assert len(tokens) == Chem.MolFromSmiles(smiles, params).GetNumAtoms()


def test_two_digit_ring_closures_are_one_token():
    """A percent sign takes its digits with it."""
    assert split_tokens("C%12[nH]Br") == ["C", "%12", "[nH]", "Br"]


def test_unknown_tokens_are_marked_and_rows_padded():
    """A token outside the vocabulary is 1; padding is 0, at the right."""
    tokenizer = Tokenizer.from_smiles(["CCO", "CCN", "CCCO"], min_count=2)
    assert tokenizer.vocabulary == ["C", "O"]
    assert tokenizer.encode("CON") == [2, 3, UNKNOWN]
    assert pad_tokens([[2, 3], [2]]).tolist() == [[2, 3, *[PADDING] * 6], [2, *[PADDING] * 7]]
    assert len(tokenizer) == 4


def test_widths_are_multiples_of_eight():
    """A matrix is as wide as the longest row, or up to seven wider; without tokens it has no columns."""
    widths = [pad_tokens([[2], [2] * n]).shape[1] for n in (1, 7, 8, 9, 16, 17)]
    assert widths == [8, 8, 8, 16, 16, 24]
    assert (pad_tokens([]).shape, pad_tokens([[]]).shape) == ((0, 0), (1, 0))


def test_groups_are_of_like_length():
    """Groups hold each row once, the shortest first, and rows of one length in their order."""
    rows = [[2] * n for n in (5, 1, 5, 3, 1)]
    assert [group.tolist() for group in by_length(rows, 2)] == [[1, 4], [3, 0], [2]]
    assert list(by_length([], 2)) == []
