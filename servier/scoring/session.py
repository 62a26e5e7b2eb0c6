"""ONNX Runtime: the only place where a graph is run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Structures are confidential: ONNX Runtime must not send telemetry. It reads this once, when it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as native

from servier.checkpoint.file import graph_name
from servier.checkpoint.graph_check import check_graph
from servier.checkpoint.metadata import COPY
from servier.errors import CheckpointError

NOWHERE = f"{os.devnull}/nowhere"
"""A folder that cannot exist."""

_ERRORS: tuple[type[Exception], ...] = (
    *(kind for kind in vars(native).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    MemoryError,
    RuntimeError,
    ValueError,
)


class Session:
    """A graph of one input and one output, which runs on one thread.

    With several, the rounding of a sum over trees depends on the batch.

    Parameters
    ----------
    graph
        The graph, which is checked before ONNX Runtime sees it. It is never taken for a file of the runtime's
        own format, and reads no other files.
    number
        Which graph of its checkpoint it is, from 0 on.
    path
        The checkpoint, to be named where something is wrong.

    Raises
    ------
    CheckpointError
        It is not accepted.
    """

    def __init__(self, graph: bytes, number: int, path: str | None = None) -> None:
        self.shape = check_graph(graph, graph_name(number), path)
        self._path = path
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        options.add_session_config_entry("session.load_model_format", "ONNX")
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", NOWHERE)
        with _as_checkpoint_errors(path):
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def __call__(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Return the scores of rows, float32, shape (n_rows, n_targets).

        Raises
        ------
        CheckpointError
            The graph fails, or a score is infinite or no number.
        """
        with _as_checkpoint_errors(self._path):
            scores = np.asarray(self._session.run(None, {self._input: X})[0])
        if not np.isfinite(scores).all():
            hint = "use another checkpoint"
            raise CheckpointError("its graph gives a molecule no finite score", path=self._path, hint=hint)
        return scores


@contextmanager
def _as_checkpoint_errors(path: str | None) -> Iterator[None]:
    try:
        yield
    except _ERRORS as error:
        raise CheckpointError("ONNX Runtime cannot compute its graph", path=path, hint=COPY) from error
