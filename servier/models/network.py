"""The network that reads SMILES strings, as Keras builds it."""

import keras
import tensorflow as tf
from keras import layers, ops

from servier.models.architecture import Architecture


def make_reproducible(seed: int) -> None:
    """Make training reproducible: equal seeds give equal weights."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def use_cores(n: int) -> None:
    """Let TensorFlow run `n` operations at a time, each in one thread; it cannot be changed once it runs.

    The two directions of the recurrent layer then run in parallel. More threads for one operation would spend
    more time waiting for each other than working, and sums would depend on their number.
    """
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(n)
    except RuntimeError:
        return


def build_encoder(n_tokens: int, architecture: Architecture) -> keras.Model:
    """Build the untrained encoder.

    Embedding, convolution, bidirectional GRU, mean and maximum over the string (padding left out), two hidden
    layers. The result does not depend on the amount of padding.

    Returns
    -------
    A model from int32 (n, length) to float32 (n, architecture.dense).

    References
    ----------
    Cho et al., arXiv:1406.1078: the gated recurrent unit. Ba et al., arXiv:1607.06450: layer normalization.
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    is_token = ops.not_equal(tokens, 0)
    mask = ops.expand_dims(ops.cast(is_token, "float32"), -1)
    x = layers.Embedding(n_tokens, architecture.embedding, name="embedding")(tokens) * mask
    x = layers.Conv1D(
        architecture.convolution, 5, padding="same", activation="silu", name="convolution"
    )(x) * mask  # fmt: skip
    recurrent = layers.GRU(architecture.width, return_sequences=True, name="gru")
    x = layers.Bidirectional(recurrent, name="recurrent")(x, mask=is_token) * mask
    mean = ops.sum(x, axis=1) / ops.maximum(ops.sum(mask, axis=1), 1.0)
    highest = ops.max(x - 2.0 * (1.0 - mask), axis=1)
    pooled = layers.LayerNormalization(name="norm_1")(ops.concatenate([mean, highest], axis=-1))
    first = layers.Dense(architecture.dense, activation="silu", name="dense_1")(pooled)
    second = layers.Dense(architecture.dense, activation="silu", name="dense_2")(first)
    return keras.Model(tokens, layers.LayerNormalization(name="norm_2")(first + second), name="encoder")


def add_head(encoder: keras.Model, n_outputs: int, dropout: float = 0.0) -> keras.Model:
    """Add a linear layer, `scores`, on top of an encoder.

    Returns
    -------
    A model from int32 (n, length) to float32 (n, n_outputs), which shares the encoder's weights.
    """
    x = layers.Dropout(dropout, name="dropout")(encoder.outputs[0])
    return keras.Model(encoder.inputs[0], layers.Dense(n_outputs, name="scores")(x))
