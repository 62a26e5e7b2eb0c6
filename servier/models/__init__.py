"""The learners. Each leaves an ONNX graph; none of them reads molecules, only numbers or strings."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
