"""The workflow on a real Slurm, while jobs and daemons are killed."""

import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from cluster_for_tests import FOLDER, Cluster, why_not
from workflow_for_tests import ENVIRONMENT, RESULTS, change_settings, command, copy_workflow, made, snakemake

WHY_NOT = why_not()
pytestmark = [pytest.mark.cluster, pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "Slurm is here")]
SMALL_SITE = [
    "--slurm-no-account", "--slurm-status-command", "squeue",
    "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10",
]  # fmt: skip


@pytest.fixture
def cluster():
    with tempfile.TemporaryDirectory(prefix=FOLDER, dir="/tmp") as folder, Cluster(Path(folder)) as running:
        yield running


class Run:
    """The workflow with the profile of Slurm, as it goes on.

    Parameters
    ----------
    folder
        With the workflow.
    cluster
        Where its jobs run.
    """

    def __init__(self, folder, cluster):
        self._log = folder / "snakemake.log"
        profile = ["--workflow-profile", "workflow/profiles/slurm", "--group-components", "predict=3"]
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                command(*profile, *SMALL_SITE), cwd=folder, stdout=log, stderr=log, env=ENVIRONMENT
            )
        self._cluster = cluster

    def job(self, name):
        """Wait until a job runs whose name begins so; return it."""
        return self.wait(
            lambda: next((job for job in self._running() if job["comment"].startswith(name)), None)
        )

    def _running(self):
        return [job for job in self._cluster.jobs() if job["state"] == "RUNNING"]

    def wait(self, find, seconds=240):
        """Wait until something is found while the workflow goes on; return it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := find():
                return found
            assert self.process.poll() is None, self.said()
            time.sleep(0.2)
        raise TimeoutError(self.said())

    def said(self):
        """Everything that was printed."""
        return self._log.read_text()


def copy_for_model_1(folder):
    """Copy what needs no TensorFlow of the tiny configuration; `evaluate` gets too little memory at first."""
    folder.mkdir()
    copy_workflow(folder)

    def change(settings):
        del settings["models"]["2"]
        settings["libraries"][0]["models"] = ["1"]
        settings["resources"]["evaluate"]["mem_mb"] = 300

    change_settings(folder, change)
    return folder


def test_lost_work_is_done_again_with_the_same_bytes(cluster, tmp_path):
    """Through Slurm, with whatever can be lost lost once, come the files of a run on one core.

    Lost are Snakemake itself, a job that is cancelled, a node with what runs on it, the controller, and a job
    to its memory.
    """
    local = copy_for_model_1(tmp_path / "local")
    snakemake(local, "--cores", "1")
    folder = copy_for_model_1(tmp_path / "cluster")

    run = Run(folder, cluster)
    run.job("rule_simulate")
    run.process.kill()
    run.process.wait()
    cluster.ask("scancel", "--user", "root")
    cluster.wait_until(lambda: not cluster.jobs())
    snakemake(folder, "--unlock")

    run = Run(folder, cluster)
    cluster.ask("scancel", run.job("rule_featurize_library")["id"])
    lost = run.job("rule_train_wildcards_1")
    cluster.lose_node(lost["node"])
    run.wait(lambda: "NODE_FAIL" in run.said())
    cluster.kill("slurmctld")
    time.sleep(2)
    cluster.start_controller()
    run.job("rule_train_wildcards_1")
    cluster.start_node(lost["node"])
    assert run.process.wait(timeout=400) == 0, run.said()

    assert "CANCELLED" in run.said()
    logs = [
        path.read_text()
        for path in (folder / ".test" / ".snakemake").glob("slurm_logs/rule_evaluate/**/*.log")
    ]
    assert any("exceeded memory limit" in log for log in logs)
    found, expected = made(folder), made(local)
    assert found.keys() == expected.keys()
    assert [name for name, content in found.items() if content != expected[name]] == []
    assert not (folder / RESULTS / "shards").exists()
