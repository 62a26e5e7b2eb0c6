"""Keras models as bytes: the ONNX graph that scores, and the native file for retraining."""

import json
import tempfile
import warnings
import zipfile
from pathlib import Path

import keras
import numpy as np

from servier.archives import pack
from servier.models.batches import LENGTH_STEP


def export_model(model: keras.Model) -> tuple[bytes, bytes]:
    """Return the ONNX graph and the Keras file of a model from tokens to scores."""
    bare = keras.Model(model.inputs[0], model.outputs[0], name="servier_model_2")
    bare(np.ones((2, LENGTH_STEP), np.int32))
    with tempfile.TemporaryDirectory() as folder:
        onnx_path, keras_path = Path(folder) / "model.onnx", Path(folder) / "model.keras"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the exporter asks NumPy for a name to come
            bare.export(str(onnx_path), format="onnx", verbose=False)
        bare.save(keras_path)
        return onnx_path.read_bytes(), _without_date(keras_path)


def _without_date(path: Path) -> bytes:
    """Return a Keras file without the date of its making, so that equal networks are equal bytes."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    metadata = json.loads(contents["metadata.json"])
    metadata.pop("date_saved", None)
    return pack(contents | {"metadata.json": json.dumps(metadata).encode()})
