"""Join the plans of all libraries and models, and add the resources of a job of each."""

import json
from pathlib import Path

TOTALS = ("rows", "core_hours", "output_bytes", "jobs")


def describe(path: str, shards: int, job: dict[str, int]) -> dict[str, object]:
    """Return one plan, in total and for a single job."""
    plan = json.loads(Path(path).read_text())
    core_seconds = 3600 * plan["core_hours"]
    return {
        "scored": Path(path).stem,
        "jobs": shards,
        "rows": plan["rows"],
        "core_hours": round(plan["core_hours"], 4),
        "output_bytes": plan["output_bytes"],
        "mem_mb_per_job": job["mem_mb"],
        "minutes_per_job": round(core_seconds / job["threads"] / shards / 60, 2),
        "rows_per_second_and_core": round(plan["rows"] / core_seconds, 1) if core_seconds else None,
    }


def collect(paths: list[str], shards: list[int], job: dict[str, int]) -> dict[str, object]:
    """Return all plans and their sums."""
    plans = [describe(path, number, job) for path, number in zip(paths, shards, strict=True)]
    return {"total": {name: sum(plan[name] for plan in plans) for name in TOTALS}, "plans": plans}


if "snakemake" in globals():
    job = globals()["snakemake"]
    document = collect(list(job.input), list(job.params.shards), dict(job.params.job))
    Path(job.output[0]).write_text(json.dumps(document, indent=1) + "\n")
