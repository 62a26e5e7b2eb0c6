import io
import json
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from servier.checkpoint.archive import pack, pack_arrays
from servier.data.simulation import simulate
from servier.errors import RecipeError
from servier.models.encoder import encode_encoder, read_encoder

RECIPE = """
epochs: 2
batch_size: 64
n_smiles: 2
architecture: {embedding: 8, convolution: 8, width: 8, dense: 8}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("pretraining") / "library.csv"
    path.write_text("smiles\n" + "\n".join(simulate(520, seed=4).smiles) + "\n")
    path.with_name("recipe.yaml").write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def encoder(command, library):
    """An encoder that was trained in two pieces, the first of which the clock ended."""
    output = library.with_name("encoder.zip")
    arguments = ["pretrain", library, output, "--config", library.with_name("recipe.yaml")]
    assert "run the same command again to continue" in command(*arguments, "--minutes", 0.0001).stdout
    finished = command(*arguments, "--note", "free for all")
    assert f"The encoder is in {output}" in finished.stdout
    return output


@pytest.mark.slow
def test_a_killed_run_goes_on(servier, library, encoder, tmp_path):
    """Killed once its state is on disk it goes on from there, to the encoder of a run that was left alone."""
    output = tmp_path / "encoder.zip"
    arguments = ["pretrain", library, output, "--config", library.with_name("recipe.yaml"), "--workers", 1]
    process = subprocess.Popen([sys.executable, "-m", "servier", *map(str, arguments)])
    state = tmp_path / "encoder.zip.work" / "state.npz"
    while process.poll() is None and not state.exists():
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert "continuing after" in servier(*arguments).stderr
    found, expected = (read_encoder(path).metadata["history"] for path in (output, encoder))
    assert [entry["epoch"] for entry in found] == [entry["epoch"] for entry in expected] == [1, 2]


@pytest.mark.training
def test_a_run_in_pieces_comes_to_the_end(encoder):
    """All epochs are done once each, and other molecules are predicted better after the last one."""
    metadata = read_encoder(encoder).metadata
    assert [entry["epoch"] for entry in metadata["history"]] == [1, 2]
    losses = [entry["validation_loss"] for entry in metadata["history"]]
    assert losses[1] < losses[0]
    assert metadata["library"]["molecules"] < 520
    assert metadata["note"] == "free for all"


@pytest.mark.training
def test_other_molecules_are_not_mixed_in(command, encoder, library, tmp_path):
    """A working directory that belongs to other molecules or options is refused, with the difference."""
    arguments = ["--config", library.with_name("recipe.yaml"), "--work_dir", f"{encoder}.work"]
    other = tmp_path / "other.csv"
    other.write_text("smiles\n" + "\n".join(simulate(520, seed=5).smiles) + "\n")
    said = command("pretrain", other, tmp_path / "e.zip", *arguments, status=1).stderr
    assert "begun with another library" in said
    said = command("pretrain", library, tmp_path / "e.zip", *arguments, "--epochs", 9, status=1).stderr
    assert "begun with another epochs: 2, now 9" in said


@pytest.mark.training
def test_model_2_starts_from_it(command, encoder, simulated, tmp_path):
    """Training names the encoder, and the checkpoint says where it comes from."""
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"encoder: {encoder}\nepochs: [1]\nfolds: 2\nn_smiles: 2\n")
    model = tmp_path / "model_2.servier"
    command(
        "train", "--dataset", simulated, "--model_name", 2, "--config", recipe, "--model_path", model
    )  # fmt: skip
    document = json.loads(command("inspect", model, "--json").stdout)
    assert document["input"]["vocabulary"] == read_encoder(encoder).vocabulary
    assert document["training"]["encoder"]["library"] == read_encoder(encoder).metadata["library"]


FACTS = {"architecture": {"width": 8}, "vocabulary": ["C"], "library": {}, "versions": {"servier": "0"}}


def test_weights_survive_the_file(tmp_path):
    """A file gives back metadata, and weights to half precision."""
    weights = [np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32), np.zeros(3, np.float32)]
    path = tmp_path / "e.zip"
    path.write_bytes(encode_encoder(FACTS, weights))
    read = read_encoder(path)
    assert read.vocabulary == ["C"]
    for found, expected in zip(read.weights, weights, strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("weights", [b"", b"\x93NUMPY\1\0\xff\xff", "objects", "doubles", "bomb"], ids=repr)
def test_weights_that_are_none_are_one_clear_error(tmp_path, weights):
    """No array, objects, other numbers, and 20 MiB of zeros in a few bytes."""
    path, metadata = tmp_path / "e.zip", json.dumps(FACTS | {"format": "servier encoder"}).encode()
    if weights == "bomb":
        weights = pack_arrays({"00": np.zeros(20 * 2**19, np.float16)})
    elif weights == "doubles":
        weights = pack_arrays({"00": np.zeros(3)})
    elif weights == "objects":
        buffer = io.BytesIO()
        np.savez(buffer, **{"00": np.array([{}], object)})
        weights = buffer.getvalue()
    else:
        weights = pack({"00.npy": weights})
    path.write_bytes(pack({"encoder.json": metadata, "weights.npz": weights}))
    with pytest.raises(RecipeError, match=r"e\.zip: this is not an encoder, or it is damaged"):
        read_encoder(path)


@pytest.mark.parametrize(
    "change",
    [
        *({name: None} for name in FACTS),
        {"format": "another"},
        {"architecture": [1]},
        {"architecture": {"width": 10**9}},
        {"architecture": {"depth": 1}},
        {"vocabulary": 5},
        {"vocabulary": [1, None, {}]},
        {"vocabulary": ["C", "C"]},
        {"library": []},
        {"versions": {"servier": 1}},
        {"note": float("nan")},
    ],
    ids=str,
)
def test_an_encoder_of_others_is_whole_or_refused(tmp_path, change):
    """What is missing or of another type is one line that names the file."""
    path, weights = tmp_path / "e.zip", [np.zeros(3, np.float32)]
    path.write_bytes(encode_encoder(FACTS | change, weights))
    with pytest.raises(RecipeError, match=rf"^{path}: "):
        read_encoder(path)


def test_weights_are_numbers(tmp_path):
    """A network that begins with no number ends with none."""
    path = tmp_path / "e.zip"
    path.write_bytes(encode_encoder(FACTS, [np.full(3, np.nan, np.float32)]))
    with pytest.raises(RecipeError, match="this is not an encoder, or it is damaged"):
        read_encoder(path)


@pytest.mark.training
def test_weights_of_another_network_are_one_clear_error(command, simulated, tmp_path):
    """An encoder whose arrays have other shapes than its own sizes say trains nothing."""
    path, recipe = tmp_path / "e.zip", tmp_path / "r.yaml"
    path.write_bytes(encode_encoder(FACTS, [np.zeros((4, 3), np.float32)]))
    recipe.write_text(f"encoder: {path}\nepochs: [1]\nfolds: 2\n")
    given = ["--dataset", simulated, "--model_name", "2", "--config", recipe, "--models_dir", tmp_path]
    done = command("train", *given, status=1)
    problem = "the weights of the encoder do not fit its architecture and vocabulary"
    assert done.stderr.splitlines()[-1].startswith(f"Error: {problem}")


@pytest.mark.parametrize("content", [b"", b"PK", None, "other"])
def test_what_is_no_encoder_is_one_clear_error(tmp_path, content):
    """Absent, truncated, or another archive: one line that names the file."""
    path = tmp_path / "e.zip"
    if content == "other":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a", "b")
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(RecipeError, match=r"e\.zip: (cannot read this encoder|this is not an encoder)"):
        read_encoder(path)
