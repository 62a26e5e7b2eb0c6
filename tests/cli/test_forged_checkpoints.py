"""Checkpoints of which a part is gone or another, with digests that fit: nobody's answer comes from them."""

import hashlib
import io
import json
import zipfile
from dataclasses import fields

import numpy as np
import pytest
from server_for_tests import serving

from servier.checkpoint.archive import pack, pack_arrays
from servier.checkpoint.reference import ReferenceArrays
from servier.errors import ServierError
from servier.server.loading import load_models

ARRAYS = [field.name for field in fields(ReferenceArrays) if field.name != "reference_answers"]
MAY_BE_MISSING = {"train_smiles", "train_relations", "train_scores"}


@pytest.fixture(scope="module")
def parts(model_1):
    """The entries of an intact checkpoint."""
    with zipfile.ZipFile(model_1) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def arrays(parts):
    """The arrays of that checkpoint, with the relations that one of exact labels may leave out."""
    found = dict(np.load(io.BytesIO(parts["reference.npz"])))
    return found | {"train_relations": np.zeros(found["train_y"].shape, np.int8)}


def forge(folder, parts, change=None):
    """A checkpoint of these entries, whose digests fit them, in a folder of its own."""
    document = json.loads(parts["metadata.json"])
    document["sha256"] = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in sorted(parts.items())
        if name != "metadata.json"
    }
    if change is not None:
        change(document)
    path = folder / "model_1.servier"
    path.write_bytes(pack(parts | {"metadata.json": json.dumps(document).encode()}))
    return path


def objects(n):
    """An array of objects, as NumPy pickles it."""
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}] * n, object), allow_pickle=True)
    return buffer.getvalue()


def with_array(arrays, name, change):
    """The file of arrays with one that is changed, or gone."""
    if change == "deleted":
        return pack_arrays({other: array for other, array in arrays.items() if other != name})
    array = arrays[name]
    if change == "objects":
        content = {f"{other}.npy": b"" for other in arrays}
        content |= _unpack(pack_arrays(arrays)) | {f"{name}.npy": objects(len(array))}
        return pack(content)
    changed = {
        "emptied": array[:0],
        "other type": array.astype(np.complex64),
        "other numbers": np.zeros(array.shape, np.float16),
        "other shape": array.reshape(-1, 1, 1),
        "shorter": array[:-1],
        "longer": np.concatenate([array, array[:1]]),
    }[change]
    return pack_arrays(arrays | {name: changed})


def _unpack(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


FREE = {"test_rows", "environments", "domain_rows", "train_smiles"}
"""Arrays whose length is that of no other: a shorter one is another model, which nobody can tell from it."""

CHANGES = ["deleted", "emptied", "other type", "other numbers", "other shape", "shorter", "longer", "objects"]
FORGED = [
    (name, change)
    for name in ARRAYS
    for change in CHANGES
    if not (name in FREE and change == "shorter")
    and not (name == "train_smiles" and change == "longer")
    and not (name in MAY_BE_MISSING and change == "deleted")
    and not (name == "test_rows" and change == "emptied")
]


def problem_of(command, *arguments):
    """The one line that a command ends with, which asks for no traceback; None where it answers."""
    done = command(*arguments, status=None)
    if done.returncode == 0:
        return None
    assert done.returncode == 1, done.stderr
    *_, line = done.stderr.splitlines()
    assert line.startswith("Error: "), done.stderr
    return line


def attack(command, path, simulated, folder):
    """Give a checkpoint to every command; returns their problems by name."""
    (folder / "in.csv").write_text("smiles\nCCO\nc1ccccc1O\n")
    given, few = ["--model_path", path], ["--resamples", 20]
    models = ["--model_name", "1", "--model_1_path", path]
    table = [folder / "in.csv", folder / "out.csv", "--model_path", path, "--detail", "--force"]
    problems = {
        "inspect": problem_of(command, "inspect", path),
        "predict": problem_of(command, "predict", "CCO", *models, "--detail"),
        "predict-file": problem_of(command, "predict-file", *table),
        "explain": problem_of(command, "explain", "CCO", *models),
        "evaluate": problem_of(command, "evaluate", "--dataset", simulated, *given, *few),
    }
    try:
        load_models(path.parent)
    except ServierError:
        problems["serve"] = "refused"
    return problems


def verify(command, path):
    """What `inspect --verify` says is not intact."""
    done = command("inspect", path, "--verify", status=None)
    assert done.returncode in (0, 1)
    lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    assert all(line.startswith(("pass  ", "fail  ", "Error: ")) for line in lines)
    found = [line for line in lines if not line.startswith("pass")]
    assert bool(found) == bool(done.returncode)
    return found


def test_an_intact_checkpoint_is_used(command, parts, simulated, tmp_path):
    """With digests made anew every command answers."""
    path = forge(tmp_path, parts)
    assert verify(command, path) == []
    assert set(attack(command, path, simulated, tmp_path).values()) == {None}


@pytest.mark.parametrize(("name", "change"), FORGED, ids=str)
def test_an_array_that_is_another_is_noticed(command, parts, arrays, tmp_path, name, change):
    """`inspect` says that the arrays are not intact, and `--detail` refuses the file, in one line each."""
    path = forge(tmp_path, parts | {"reference.npz": with_array(arrays, name, change)})
    (line,) = verify(command, path)
    assert line.startswith("fail  entry reference.npz: entry reference.npz ")
    refused = problem_of(command, "predict", "CCO", "--model_name", "1", "--model_1_path", path, "--detail")
    assert refused is not None
    assert "entry reference.npz" in refused


@pytest.mark.slow
@pytest.mark.parametrize(("name", "change"), FORGED, ids=str)
def test_no_command_uses_arrays_that_are_others(command, parts, arrays, simulated, tmp_path, name, change):
    """What reads them refuses them; `inspect` and the server, which verify, always do."""
    path = forge(tmp_path, parts | {"reference.npz": with_array(arrays, name, change)})
    problems = attack(command, path, simulated, tmp_path)
    assert all(problems[asked] for asked in ("inspect", "predict", "predict-file", "evaluate", "serve"))


VALUES = {
    "domain_rows": lambda rows: rows + 10**6,
    "environments": lambda found: found[::-1],
    "train_y": lambda y: y + 3,
    "train_smiles": lambda packed: np.full_like(packed, 0xFF),
    "test_rows": lambda rows: rows - 10**6,
}


@pytest.mark.parametrize("name", VALUES)
def test_arrays_that_say_what_cannot_be_are_noticed(command, parts, arrays, tmp_path, name):
    """Rows that do not exist, an order that is none, labels that are none, SMILES that are no text."""
    changed = arrays | {name: VALUES[name](arrays[name]).astype(arrays[name].dtype)}
    path = forge(tmp_path, parts | {"reference.npz": pack_arrays(changed)})
    (line,) = verify(command, path)
    assert name in line
    assert problem_of(command, "inspect", path)


@pytest.mark.parametrize("label", [np.nan, 0, 1])
def test_labels_that_nothing_can_be_learnt_from_are_noticed(
    command, parts, arrays, simulated, tmp_path, label
):
    """No label, or one class only, where baselines would be fitted."""
    changed = arrays | {"train_y": np.full_like(arrays["train_y"], label)}
    path = forge(tmp_path, parts | {"reference.npz": pack_arrays(changed)})
    (line,) = verify(command, path)
    assert "train_y has nothing of P1 to learn from" in line
    assert problem_of(command, "evaluate", "--dataset", simulated, "--model_path", path, "--resamples", 20)


MEMBERS = ["model_0.onnx", "reference.npz", "model_0_0.txt"]


@pytest.mark.parametrize("change", ["deleted", "emptied", "other", "deleted but listed", "unlisted"])
@pytest.mark.parametrize("name", MEMBERS)
def test_an_entry_that_is_gone_or_another_is_noticed(command, parts, simulated, tmp_path, name, change):
    """`inspect` says so, and a command that needs it ends in one line."""
    content = {"emptied": b"", "other": b"other" * 100}
    if change == "deleted":
        path = forge(tmp_path, {other: part for other, part in parts.items() if other != name})
    elif change == "unlisted":
        path = forge(tmp_path, parts, lambda document: document["sha256"].pop(name))
    elif change == "deleted but listed":
        whole = forge(tmp_path, parts)
        with zipfile.ZipFile(whole) as archive:
            left = {other: archive.read(other) for other in archive.namelist() if other != name}
        path = tmp_path / "model_1.servier"
        path.write_bytes(pack(left))
    else:
        path = forge(tmp_path, parts | {name: content[change]})
    found = verify(command, path)
    assert found
    assert all(name in line or "sentinel" in line for line in found)
    problems = attack(command, path, simulated, tmp_path)
    assert problems["inspect"]
    if name != "model_0_0.txt" or change == "unlisted":
        assert all(problems[asked] for asked in ("predict", "predict-file", "evaluate", "serve"))


def test_more_entries_than_are_listed_are_noticed(command, parts, tmp_path):
    """A file with an entry that no digest speaks of is used by no command."""
    path = forge(tmp_path, parts | {"more.bin": b"x"}, lambda document: document["sha256"].pop("more.bin"))
    assert verify(command, path) == [
        f"Error: {path}: entry 'more.bin' is not listed in its metadata; copy or train it again"
    ]
    assert problem_of(command, "predict", "CCO", "--model_name", "1", "--model_1_path", path)


@pytest.mark.parametrize("gain", ["nan", "inf", "1e999", "one"])
def test_gains_that_are_no_numbers_are_noticed(command, parts, tmp_path, gain):
    """What LightGBM's model says of its splits, by which features are named, is a number."""
    native = f"tree\nsplit_feature=1\nsplit_gain={gain}\n\nend of trees\n".encode()
    path = forge(tmp_path, parts | {"model_0_0.txt": native})
    assert verify(command, path) == ["fail  answers: entry model_0_0.txt is damaged"]
    assert problem_of(command, "inspect", path)


SENTINELS = {
    "one is left": lambda sentinels: sentinels[:1],
    "none is left": lambda _: [],
    "one is another": lambda sentinels: [*sentinels[:3], sentinels[0]],
    "no scores": lambda sentinels: [sentinel | {"scores": []} for sentinel in sentinels],
    "two scores": lambda sentinels: [found | {"scores": found["scores"] * 2} for found in sentinels],
    "no molecule": lambda sentinels: [*sentinels, sentinels[0] | {"smiles": "nope"}],
    "far too many": lambda sentinels: sentinels * 1000,
}


@pytest.mark.parametrize("change", SENTINELS)
def test_sentinels_are_complete_and_answer(command, parts, tmp_path, change):
    """All that training writes are there, each with a score for each target, and they are met."""

    def forge_sentinels(document):
        document["sentinels"] = SENTINELS[change](document["sentinels"])

    path = forge(tmp_path, parts, forge_sentinels)
    assert verify(command, path)
    for asked in (["inspect", path], ["predict", "CCO", "--model_name", "1", "--model_1_path", path]):
        assert problem_of(command, *asked)


@pytest.mark.process
def test_a_checkpoint_reads_no_other_file(servier, parts, tmp_path):
    """A graph whose numbers are in a file of the working directory is refused, and the file stays unread."""
    import onnx

    secret = np.array([3.25], "<f4")
    (tmp_path / "secret.bin").write_bytes(secret.tobytes())
    graph = onnx.load_from_string(parts["model_0.onnx"])
    width = graph.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    text = f"g (float[n,{width}] X) => (float[n,1] scores) {{ s = ReduceSum(X, axes) scores = Add(s, w) }}"
    stolen = onnx.parser.parse_graph(text)
    stolen.initializer.append(onnx.numpy_helper.from_array(np.array([1]), "axes"))
    tensor = stolen.initializer.add(name="w", data_type=1, dims=[1], data_location=1)
    for key, value in (("location", "secret.bin"), ("length", "4")):
        tensor.external_data.add(key=key, value=value)
    graph.graph.CopyFrom(stolen)
    path = forge(tmp_path, parts | {"model_0.onnx": graph.SerializeToString()})
    done = servier("predict", "CCO", "--model_1_path", path, cwd=tmp_path, status=1)
    assert done.stdout == ""
    problem = "entry model_0.onnx is not a graph of servier: a tensor takes its numbers from another file"
    assert done.stderr == f"Error: {path}: {problem}; use no checkpoint that servier did not write\n"


ANSWERS = {
    "infinite": "scores = Div(one, small)",
    "no number": "scores = Div(small, small)",
    "failing": "whole = Cast<to = 6>(small) q = Div(whole, whole) scores = Cast<to = 1>(q)",
}
LARGE = "C" * 60


def answering(parts, folder, answer):
    """A checkpoint whose graph gives small molecules the score 1, and large ones no score."""
    import onnx

    model = onnx.load_from_string(parts["model_0.onnx"])
    width = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    graph = onnx.parser.parse_graph(
        f"g (float[n,{width}] X) => (float[n,1] scores) {{ s = ReduceSum<keepdims = 1>(X, axes) "
        f"is_large = Greater(s, limit) large = Cast<to = 1>(is_large) small = Sub(one, large) {answer} }}"
    )
    for name, values in {"axes": np.array([1]), "limit": np.float32([700]), "one": np.float32([1])}.items():
        graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    model.graph.CopyFrom(graph)

    def forge_sentinels(document):
        for sentinel in document["sentinels"]:
            sentinel["scores"] = [1.0]

    return forge(folder, parts | {"model_0.onnx": model.SerializeToString()}, forge_sentinels)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_graph_without_an_answer_is_no_answer(command, parts, tmp_path, answer):
    """Where a score is infinite, no number or not there, one line names the checkpoint."""
    path = answering(parts, tmp_path, ANSWERS[answer])
    (tmp_path / "in.csv").write_text(f"smiles\nCCO\n{LARGE}\n")
    models = ["--model_name", "1", "--model_1_path", path]
    assert problem_of(command, "predict", "CCO", *models) is None
    for asked in (
        ["predict", LARGE, *models],
        ["explain", LARGE, *models],
        ["predict-file", tmp_path / "in.csv", tmp_path / "out.csv", "--model_path", path],
    ):
        problem = problem_of(command, *asked)
        assert problem is not None
        assert problem.startswith(f"Error: {path}: ")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.process
def test_the_service_answers_where_a_graph_does_not(parts, tmp_path):
    """The molecule is a 422 with a reason, in a list it costs its own row, and others are answered."""
    path = answering(parts, tmp_path, ANSWERS["no number"])
    with serving(path.parent, "--require_model", "1") as server:
        status, found = server.predict(LARGE)
        assert (status, found["status"], found["reason"]) == (422, "crashed", "the model cannot answer it")
        status, found = server.predict(["CCO", LARGE, "CCN"])
        assert (status, [row["status"] for row in found["predictions"]]) == (200, ["ok", "crashed", "ok"])


def test_bounds_that_were_counted_are_asked_for(command, parts, tmp_path):
    """Without its relations a model of bounds would take them for values."""
    path = forge(tmp_path, parts, lambda document: document["dataset"].update(bounds=3))
    assert "train_relations are not the bounds that were counted" in problem_of(command, "inspect", path)
