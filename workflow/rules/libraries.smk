import re
import zlib
from dataclasses import dataclass
from glob import glob, has_magic

SAMPLE = 1 << 20
PACKED_ROW = 25  # bytes that a row of a library takes in a Parquet or zstd file, about
SUFFIXES = r"(\.(csv|tsv|txt|smi|sdf|parquet))?(\.(gz|zst))?$"
# Snakemake sends the names of results to jobs through several shells, between quotation marks that these characters
# leave, or as a list with commas; Slurm replaces some words with a percent sign.
UNSAFE = r"[$`\"'\\,%]"


@dataclass(frozen=True)
class Library:
    """A file to score, the models that score it, and the number of parts."""

    path: str
    models: list
    shards: int
    features: bool


def find_libraries():
    """The files to score, by the names of their results: those of the files, without suffixes."""
    found = [
        (path, settings)
        for settings in map(library_settings, config["libraries"])
        for path in find_files(settings["files"])
    ]
    if not found:
        logger.warning("there is no file to score: the labelled table is scored")
    paths = dict(found) or {DATASET: {}}
    refuse_names(*paths)
    libraries = {
        name_results(path): open_library(path, settings)
        for path, settings in paths.items()
    }
    if len(libraries) < len(paths):
        names = ", ".join(paths)
        raise WorkflowError(f"of {names} two have the same file name: rename one")
    return libraries


def name_results(path):
    """The name of a file without its suffixes, and with _ in place of what a shell could take for its own."""
    return re.sub(UNSAFE, "_", re.sub(SUFFIXES, "", Path(path).name))


def find_files(pattern):
    """The files that match a pattern; a plain name need not exist on this machine.

    A file whose name has brackets is no pattern.
    """
    is_pattern = has_magic(pattern) and not Path(pattern).exists()
    return sorted(glob(pattern)) if is_pattern else [pattern]


def library_settings(entry):
    return {"files": entry} if isinstance(entry, str) else entry


def open_library(path, settings):
    """A library with the settings of the config."""
    models = settings.get("models", MODELS)
    needed = {part for model in models for part in model_parts(model)}
    if missing := needed - set(MODELS):
        names = ", ".join(sorted(missing))
        raise WorkflowError(f"{path} is to be scored by models not trained: {names}")
    features = settings.get("features", False)
    if features and "1" not in models:
        raise WorkflowError(
            f"{path} is to have features, which only model 1 reads: name it, or leave out features"
        )
    shards = settings.get("shards") or number_of_shards(path)
    return Library(path, list(models), shards, features)


def model_parts(model):
    """The models that are averaged."""
    return ["1", "2"] if model == "consensus" else [model]


def number_of_shards(path):
    """The number of parts in which a file is scored, for parts of about the size in the config."""
    sharding = config["sharding"]
    shards = int(estimate_rows(path) / sharding["rows_per_shard"] + 0.5)
    return max(1, min(shards, sharding["max_shards"]))


def estimate_rows(path):
    """About how many rows a file has, by its size and its beginning; the same before and after it is simulated."""
    if path == SIMULATED and "simulation" in config:
        return config["simulation"]["rows"]
    if not Path(path).exists():
        raise WorkflowError(
            f"{path} does not exist here; if it is in a bucket, say in how many shards it is scored"
        )
    size = Path(path).stat().st_size
    if path.endswith(".parquet"):
        return parquet_rows(path, size)
    if path.endswith(".zst"):
        return size // PACKED_ROW
    with open(path, "rb") as stream:
        start = stream.read(SAMPLE)
    text = unpack(start) if path.endswith(".gz") else start
    rows = text.count(b"$$$$") if ".sdf" in path else text.count(b"\n") - 1
    return int(rows * size / max(1, len(start)))


def parquet_rows(path, size):
    """The number of rows of a Parquet file; an estimate if Snakemake runs without pyarrow."""
    try:
        from pyarrow.parquet import read_metadata

        return read_metadata(path).num_rows
    except (ImportError, OSError, ValueError):
        # servier will say what is wrong with the file.
        return size // PACKED_ROW


def unpack(start):
    """The content of the beginning of a gzip file, which may have many members."""
    text = []
    try:
        while start:
            member = zlib.decompressobj(wbits=31)
            text.append(member.decompress(start))
            start = member.unused_data
    except zlib.error:
        pass  # servier will say what is wrong with the file
    return b"".join(text)


def scored_table(wildcards):
    """The table that is read to score a library: the file itself, or its features."""
    library = LIBRARIES[wildcards.library]
    if library.features and wildcards.model == "1":
        preset = config["models"]["1"]["preset"]
        return f"{RESULTS}/library_features/{wildcards.library}.{preset}.parquet"
    return library.path


def scoring_models(wildcards):
    """The checkpoints that score."""
    return [
        f"{RESULTS}/models/model_{part}.servier"
        for part in model_parts(wildcards.model)
    ]


def scoring_signatures(wildcards):
    """The signatures of the checkpoints that score, and the keys that are trusted; none where none are asked for."""
    if "signatures" not in config:
        return []
    signatures = [f"{path}.sig" for path in scoring_models(wildcards)]
    return [config["signatures"]["public_keys"], *signatures]


def model_options(wildcards, input):
    return options(
        [
            *(("model_path", path) for path in input.models),
            ("require_signature", input.signatures[0] if input.signatures else None),
        ]
    )


def library_columns(wildcards):
    """The option for the column of SMILES strings, if the library is the labelled table."""
    is_dataset = LIBRARIES[wildcards.library].path == DATASET
    return SMILES_COLUMN if is_dataset else []


def shards_of(wildcards):
    """All parts of a library, scored."""
    shards = LIBRARIES[wildcards.library].shards
    return [
        f"{RESULTS}/shards/{wildcards.library}.model_{wildcards.model}/{i}-of-{shards}.csv"
        for i in range(1, shards + 1)
    ]


LIBRARIES = find_libraries()
SCORED = [
    (name, model) for name, library in LIBRARIES.items() for model in library.models
]
PREDICTIONS = [
    f"{RESULTS}/predictions/{name}.model_{model}.csv" for name, model in SCORED
]
