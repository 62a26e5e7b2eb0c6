"""Export of Keras models: the ONNX graph that scores, and the native file for retraining."""

import json
import re
import tempfile
import zipfile
from pathlib import Path

import keras

from servier.checkpoint.archive import pack
from servier.models.network_graph import network_to_onnx


def export_model(model: keras.Model) -> tuple[bytes, bytes]:
    """Return the ONNX graph and the Keras file of a model from tokens to scores."""
    bare = keras.Model(model.inputs[0], model.outputs[0], name="servier_model_2")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        bare.save(path)
        return network_to_onnx(bare).SerializeToString(), _without_traces(path)


def _without_traces(path: Path) -> bytes:
    """Return a Keras file without date, addresses and history, so that equal networks are equal bytes."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    metadata = json.loads(contents["metadata.json"])
    metadata.pop("date_saved", None)
    config = _number_operations(_number_objects(contents["config.json"].decode()))
    return pack(contents | {"metadata.json": json.dumps(metadata).encode(), "config.json": config.encode()})


def _number_objects(config: str) -> str:
    """Replace the addresses that Keras writes for shared objects by numbers."""
    numbers: dict[str, int] = {}
    for address in re.findall(r'"shared_object_id": (\d+)', config):
        numbers.setdefault(address, len(numbers) + 1)
    return re.sub(r'("shared_object_id": )(\d+)', lambda found: found[1] + str(numbers[found[2]]), config)


def _number_operations(config: str) -> str:
    """Renumber operations from 1: Keras also counts those that the process built before."""
    names: dict[str, str] = {}
    for layer in json.loads(config)["config"]["layers"]:
        if layer["module"].startswith("keras.src.ops."):
            kind = re.sub(r"_\d+$", "", layer["name"])
            names[layer["name"]] = f"{kind}_{len(names) + 1}"
    return re.sub(
        r'("name": |"keras_history": \[)"(\w+)"',
        lambda found: f'{found[1]}"{names.get(found[2], found[2])}"',
        config,
    )
