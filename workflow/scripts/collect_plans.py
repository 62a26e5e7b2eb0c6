"""Join the plans of all libraries and models, and add the resources of a job of each."""

import json
from pathlib import Path
from typing import Any

TOTALS = ("rows", "core_hours", "output_bytes", "jobs")


def shorten(value: float) -> float:
    """Return a value with three significant digits: small libraries take seconds, large ones weeks."""
    return float(f"{value:.3g}")


def describe(path: str, shards: int, job: dict[str, int]) -> dict[str, Any]:
    """Return one plan, in total and for a single job."""
    plan = json.loads(Path(path).read_text())
    core_seconds = 3600 * plan["core_hours"]
    return {
        "scored": Path(path).stem,
        "jobs": shards,
        "rows": plan["rows"],
        "core_hours": shorten(plan["core_hours"]),
        "output_bytes": plan["output_bytes"],
        "mem_mb_per_job": job["mem_mb"],
        "minutes_per_job": shorten(core_seconds / job["threads"] / shards / 60),
        "rows_per_second_and_core": shorten(plan["rows"] / core_seconds) if core_seconds else None,
    }


def collect(paths: list[str], shards: list[int], job: dict[str, int]) -> dict[str, Any]:
    """Return all plans and their sums."""
    plans = [describe(path, number, job) for path, number in zip(paths, shards, strict=True)]
    total = {name: sum(plan[name] for plan in plans) for name in TOTALS}
    return {"total": total | {"core_hours": shorten(total["core_hours"])}, "plans": plans}


if "snakemake" in globals():
    job = globals()["snakemake"]
    document = collect(list(job.input), list(job.params.shards), dict(job.params.job))
    Path(job.output[0]).write_text(json.dumps(document, indent=1) + "\n")
