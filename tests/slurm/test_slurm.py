"""The workflow on a real Slurm, while jobs and daemons are killed."""

import re
import tempfile
from pathlib import Path

import pytest
from cluster_for_tests import FOLDER, Cluster, why_not
from run_for_tests import Run, over_memory
from workflow_for_tests import RESULTS, SITE, change_settings, copy_workflow, made, snakemake

WHY_NOT = why_not()
pytestmark = [pytest.mark.cluster, pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "Slurm is here")]
GROUPED = ("--group-components", "predict=3")


@pytest.fixture
def cluster():
    with tempfile.TemporaryDirectory(prefix=FOLDER, dir="/tmp") as folder, Cluster(Path(folder)) as running:
        yield running


def copy_for_model_1(folder):
    """Copy what needs no TensorFlow of the tiny configuration.

    `evaluate` gets too little memory at first, and all the time there is: no retry may ask for more of that.
    """
    folder.mkdir()
    copy_workflow(folder)

    def change(settings):
        del settings["models"]["2"]
        settings["libraries"][0]["models"] = ["1"]
        settings["resources"]["evaluate"] |= {"mem_mb": 300, "runtime": 1440}

    change_settings(folder / SITE, change)
    return folder


def test_lost_work_is_done_again_with_the_same_bytes(cluster, whole_run, tmp_path):
    """Through Slurm, with whatever can be lost lost once, come the files of a run on one core.

    Lost are Snakemake itself, a job that is cancelled, a node with what runs on it, the controller, and a job
    to its memory.
    """
    folder = copy_for_model_1(tmp_path / "cluster")

    run = Run(folder, cluster, *GROUPED, site=SITE)
    run.job("rule_simulate")
    run.process.kill()
    run.process.wait()
    cluster.ask("scancel", "--user", "root")
    cluster.wait_until(lambda: not cluster.jobs())
    snakemake(folder, "--unlock")

    run = Run(folder, cluster, *GROUPED, site=SITE)
    run.lose_work("rule_featurize_library", "rule_train_wildcards_1")
    assert run.process.wait(timeout=900) == 0, run.said()

    assert "CANCELLED" in run.said()
    assert [log for log in over_memory(folder / SITE) if "rule_evaluate" in str(log)]
    found, expected = made(folder / RESULTS), made(whole_run / RESULTS)
    assert found.keys() == {name for name in expected if not re.search("model_2|consensus|comparison", name)}
    assert [name for name, content in found.items() if content != expected[name]] == []
    assert not (folder / RESULTS / "shards").exists()
