import numpy as np
import pytest
from molecules_for_tests import SMILES
from rdkit import Chem
from rdkit.Chem import Descriptors, rdFingerprintGenerator

from servier.features.rdkit2d import DESCRIPTOR_NAMES
from servier.pretraining.examples import Examples, ExampleWork, some_smiles, write_arrays, write_shards
from servier.pretraining.targets import DescriptorScaler

MOLECULES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C=NC2=C1C(=O)N(C)C(=O)N2C",
    "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O",
]
WORK = ExampleWork(n_smiles=4, seed=3)


@pytest.fixture(scope="module")
def examples():
    return WORK.prepare()([*MOLECULES, "not a molecule", "C" * 150, *SMILES])


def test_randomized_smiles_are_of_the_same_molecule(examples):
    """The canonical SMILES is first, all others mean the same; what is unreadable or large is left out."""
    assert len(examples) == len(MOLECULES) + len(SMILES)
    for written, smiles in zip(examples.smiles, MOLECULES, strict=False):
        assert written[0] == Chem.CanonSmiles(smiles)
        assert len(written) == 5
        assert {Chem.CanonSmiles(other) for other in written} == {written[0]}
        assert len(set(written)) > 2


def test_properties_are_those_of_rdkit(examples):
    """Descriptors and fingerprint bits are RDKit's own."""
    morgan = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    for row, smiles in enumerate(MOLECULES):
        mol = Chem.MolFromSmiles(smiles)
        assert set(np.flatnonzero(np.unpackbits(examples.bits[row]))) == set(
            morgan.GetFingerprint(mol).GetOnBits()
        )
        for name in ("MolWt", "MolLogP", "TPSA", "qed"):
            expected = getattr(Descriptors, name)(mol)
            assert examples.descriptors[row, DESCRIPTOR_NAMES.index(name)] == pytest.approx(
                expected, rel=1e-5
            )


def test_a_file_gives_back_what_was_saved(examples, tmp_path):
    """Saving and loading changes nothing."""
    examples.save(tmp_path / "a.npz")
    loaded = Examples.load(tmp_path / "a.npz")
    assert loaded.smiles == examples.smiles
    np.testing.assert_array_equal(loaded.descriptors, examples.descriptors)
    np.testing.assert_array_equal(loaded.bits, examples.bits)
    assert Examples.count(tmp_path / "a.npz") == len(examples)


@pytest.mark.process
def test_files_that_are_there_are_kept(tmp_path):
    """Only what is missing is computed, and it is what was there before."""
    smiles = [Chem.CanonSmiles(text) for text in SMILES]
    paths = [path for path, _ in write_shards(smiles, tmp_path, WORK, 2)]
    assert len(paths) == 10
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}
    paths[4].unlink()
    assert [path for path, _ in write_shards(smiles, tmp_path, WORK, 1)] == paths
    assert {path: path.read_bytes() for path in paths} == {
        path: content for path, (content, _) in before.items()
    }
    assert [path for path in paths if path.stat().st_mtime_ns != before[path][1]] == [paths[4]]


def test_descriptors_are_learnt_in_standard_units(examples):
    """What does not vary is left out; the rest has mean 0, width 1 but for what is cut off."""
    scaler = DescriptorScaler.fit(examples.descriptors)
    units = scaler.apply(examples.descriptors)
    assert units.shape == (len(examples), scaler.n_kept)
    assert 50 < scaler.n_kept < 217
    assert np.abs(units).max() <= 5
    assert np.abs(units.mean(axis=0)).max() < 0.2


def test_some_smiles_of_each_molecule_are_taken(examples):
    """The first three of each molecule, in the order of the molecules and of the files."""
    taken = list(some_smiles([examples, examples]))
    assert taken == [smiles for written in 2 * examples.smiles for smiles in written[:3]]


def test_arrays_replace_the_file_when_they_are_whole(tmp_path):
    """NumPy reads what was written last, and nothing else is left in the folder."""
    path = tmp_path / "state.npz"
    for n in (3, 4):
        write_arrays(path, {"a": np.arange(n), "b": np.zeros((2, n))})
    with np.load(path, allow_pickle=False) as found:
        assert {name: found[name].shape for name in found.files} == {"a": (4,), "b": (2, 4)}
    assert list(tmp_path.iterdir()) == [path]
