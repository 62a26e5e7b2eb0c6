"""A run of pre-training that can be stopped and resumed."""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.chem.tokens import Tokenizer, pad_tokens
from servier.models.architecture import make_architecture
from servier.models.batches import similar_lengths
from servier.pretraining.examples import Examples, some_smiles, write_arrays
from servier.pretraining.options import PretrainingOptions
from servier.pretraining.targets import DescriptorScaler
from servier.progress import format_seconds

logger = logging.getLogger(__name__)

SAMPLE_SHARDS = 4
GROUP_SHARDS = 4
MIN_COUNT = 20

Batch = tuple[NDArray[np.int32], NDArray[np.float32]]


class PretrainingRun:
    """Trains an encoder on files of examples.

    The first file is held out, to measure the loss on molecules that were not trained on. The others are read
    in groups of four, in a new order and with new randomized SMILES in every epoch; the state is saved after
    each group.

    Parameters
    ----------
    paths
        The files of examples.
    state_path
        The file of the state, from which the run resumes.
    options
        The options of pre-training.
    workers
        The number of cores to use.
    """

    def __init__(
        self, paths: Sequence[Path], state_path: Path, options: PretrainingOptions, workers: int = 1
    ) -> None:
        from servier.models.network import use_cores
        from servier.models.pretraining import Pretrainer, Schedule

        use_cores(workers)

        self._watched, self._paths = paths[0], list(paths[1:])
        self._state_path, self._options = state_path, options
        sample = [Examples.load(path) for path in paths[:SAMPLE_SHARDS]]
        self._tokenizer = Tokenizer.from_smiles(some_smiles(sample), MIN_COUNT)
        self._scaler = DescriptorScaler.fit(np.concatenate([part.descriptors for part in sample]))
        self._n_rows = [Examples.count(path) for path in self._paths]
        self.n_molecules = sum(self._n_rows)
        self._architecture = make_architecture(options.architecture)
        n_steps = options.epochs * self.n_molecules // options.batch_size
        self._pretrainer = Pretrainer(
            n_tokens=len(self._tokenizer),
            n_descriptors=self._scaler.n_kept,
            n_bits=8 * sample[0].bits.shape[1],
            architecture=self._architecture,
            schedule=Schedule(n_steps, options.learning_rate),
            seed=options.seed,
        )
        self._done = 0
        self._seconds = 0.0
        self._history: list[dict[str, float]] = []
        if state_path.exists():
            self._restore()

    def go_on(self, stop: float) -> bool:
        """Train until `time.monotonic()` reaches `stop`; return whether training is complete."""
        groups = [(epoch, group) for epoch in range(self._options.epochs) for group in self._groups(epoch)]
        for number, (epoch, group) in enumerate(groups):
            if number < self._done:
                continue
            if time.monotonic() > stop:
                return False
            started = time.monotonic()
            rng = np.random.default_rng((self._options.seed, epoch, number))
            loss = self._pretrainer.train(self._batches([self._paths[i] for i in group], epoch, rng))
            self._seconds += time.monotonic() - started
            self._done = number + 1
            seen = epoch * self.n_molecules + sum(
                self._n_rows[i] for e, g in groups[: number + 1] if e == epoch for i in g
            )
            self._note(epoch, seen, loss)
            self._save()
        return True

    def describe(self) -> dict[str, Any]:
        """Return the metadata of the encoder and of its training."""
        return {
            "architecture": asdict(self._architecture),
            "vocabulary": self._tokenizer.vocabulary,
            "options": asdict(self._options),
            "seconds": round(self._seconds),
            "history": self._history,
        }

    def weights(self) -> list[NDArray[np.float32]]:
        """Return the weights of the encoder."""
        return list(self._pretrainer.encoder.get_weights())

    def _groups(self, epoch: int) -> list[list[int]]:
        order = np.random.default_rng((self._options.seed, epoch)).permutation(len(self._paths)).tolist()
        return [order[i : i + GROUP_SHARDS] for i in range(0, len(order), GROUP_SHARDS)]

    def _batches(self, paths: Sequence[Path], epoch: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield batches of molecules, in the randomized SMILES of an epoch."""
        parts = [Examples.load(path) for path in paths]
        turn = 1 + epoch % self._options.n_smiles
        rows = [self._tokenizer.encode(written[turn]) for part in parts for written in part.smiles]
        descriptors = self._scaler.apply(np.concatenate([part.descriptors for part in parts]))
        bits = np.concatenate([part.bits for part in parts])
        for chosen in similar_lengths([len(row) for row in rows], self._options.batch_size, rng):
            unpacked = np.unpackbits(bits[chosen], axis=1).astype(np.float32)
            targets = np.concatenate([descriptors[chosen], unpacked], axis=1)
            yield pad_tokens([rows[i] for i in chosen]), targets

    def _note(self, epoch: int, seen: int, loss: float) -> None:
        n_all = self._options.epochs * self.n_molecules
        rate = seen / self._seconds
        logger.info(
            "epoch %s/%s: %s of %s molecules, loss %.4f, %.0f/s, %s left",
            epoch + 1, self._options.epochs, f"{seen:,}", f"{n_all:,}", loss, rate,
            format_seconds((n_all - seen) / rate),
        )  # fmt: skip
        if seen % self.n_molecules == 0:
            rng = np.random.default_rng(self._options.seed)
            watched = self._pretrainer.measure(self._batches([self._watched], 0, rng))
            logger.info("epoch %s/%s: loss of other molecules %.4f", epoch + 1, self._options.epochs, watched)
            self._history.append(
                {"epoch": epoch + 1, "loss": round(loss, 5), "validation_loss": round(watched, 5)}
            )

    def _save(self) -> None:
        progress = json.dumps({"done": self._done, "seconds": self._seconds, "history": self._history})
        state = self._pretrainer.state()
        write_arrays(self._state_path, {"progress": np.frombuffer(progress.encode(), np.uint8), **state})

    def _restore(self) -> None:
        with np.load(self._state_path, allow_pickle=False) as state:
            progress = json.loads(state["progress"].tobytes())
            self._pretrainer.restore({name: state[name] for name in state.files if name != "progress"})
        self._done, self._seconds = progress["done"], progress["seconds"]
        self._history = progress["history"]
        logger.info("continuing after %s", format_seconds(self._seconds))
