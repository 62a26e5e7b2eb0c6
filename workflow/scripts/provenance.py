"""Record the origin of the results of the workflow: versions, digests, seeds, revision and settings."""

import hashlib
import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from servier.checkpoint.file import open_checkpoint


def digest(path: str) -> str:
    """Return the sha256 of a file."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def describe_model(path: str) -> dict[str, object]:
    """Return the origin of a checkpoint."""
    checkpoint = open_checkpoint(path)
    metadata = checkpoint.metadata
    return {
        "digest": checkpoint.digest,
        "seed": metadata.seed,
        "recipe": metadata.training.recipe,
        "dataset": {"file": metadata.dataset.file, "digest": metadata.dataset.digest},
        "versions": metadata.versions,
    }


def git_revision(folder: Path) -> str | None:
    """Return the revision of the workflow, marked as dirty if files differ; None outside of git."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None


def collect(
    models: list[str], results: list[str], config: dict[str, object], folder: Path
) -> dict[str, object]:
    """Return the whole record as a document."""
    installed = {found.metadata["Name"]: found.version for found in distributions()}
    return {
        "revision": git_revision(folder),
        "python": sys.version.split()[0],
        "packages": dict(sorted(installed.items(), key=lambda package: package[0].lower())),
        "config": config,
        "models": {path: describe_model(path) for path in models},
        "results": {path: digest(path) for path in sorted(results)},
    }


if "snakemake" in globals():
    job = globals()["snakemake"]
    scored = [*job.input.evaluations, *job.input.predictions]
    found = collect(list(job.input.models), scored, dict(job.params.config), Path(job.scriptdir))
    Path(job.output[0]).write_text(json.dumps(found, indent=1) + "\n")
