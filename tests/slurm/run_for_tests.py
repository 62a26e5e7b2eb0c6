"""The workflow on a cluster of `cluster_for_tests`, as it goes on, and what can be lost of it."""

import subprocess
import time

from workflow_for_tests import ENVIRONMENT, command

# Most jobs end within the first wait for them; each further one is ten seconds longer.
SMALL_SITE = [
    "--slurm-no-account", "--slurm-status-command", "squeue",
    "--slurm-init-seconds-before-status-checks", "14", "--latency-wait", "10",
    "--resources", "mem_mb=15000", "runtime=1440", "shards=1",
]  # fmt: skip
PROFILE = ["--workflow-profile", "workflow/profiles/slurm", *SMALL_SITE]


class Run:
    """The workflow with the profile of Slurm.

    Parameters
    ----------
    folder
        With the workflow.
    cluster
        Where its jobs run.
    arguments
        More of Snakemake.
    site
        The working folder in it.
    """

    def __init__(self, folder, cluster, *arguments, site):
        self._log = folder / "snakemake.log"
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                command(*PROFILE, *arguments, site=site),
                cwd=folder, stdout=log, stderr=log, env=ENVIRONMENT,
            )  # fmt: skip
        self._cluster = cluster

    def job(self, name):
        """Wait until a job runs whose name begins so; return it."""
        return self.wait(
            lambda: next((job for job in self._running() if job["comment"].startswith(name)), None)
        )

    def _running(self):
        return [job for job in self._cluster.jobs() if job["state"] == "RUNNING"]

    def wait(self, find, seconds=1200):
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

    def lose_work(self, cancelled, lost):
        """Cancel a job, switch off the node where another runs, and kill the controller meanwhile.

        Parameters
        ----------
        cancelled, lost
            How the names of the two jobs begin.
        """
        self._cluster.ask("scancel", self.job(cancelled)["id"])
        node = self.job(lost)["node"]
        self._cluster.lose_node(node)
        self.wait(lambda: "NODE_FAIL" in self.said())
        self._cluster.kill("slurmctld")
        time.sleep(2)
        self._cluster.start_controller()
        self.job(lost)
        self._cluster.start_node(node)


def over_memory(folder):
    """Return the logs of the jobs of a working folder that Slurm ended for their memory."""
    logs = (folder / ".snakemake" / "slurm_logs").rglob("*.log")
    return [log for log in logs if "exceeded memory limit" in log.read_text()]
