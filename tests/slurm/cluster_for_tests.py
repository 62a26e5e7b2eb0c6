"""A Slurm of this machine alone: a controller and several nodes on loopback, without systemd."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
# Where Slurm looks for its configuration: steps of a job lose SLURM_CONF on the way.
COMPILED_IN = Path("/etc/slurm/slurm.conf")
FOLDER = "slurm-for-tests-"  # how names of folders of a Cluster begin
SYSTEM_FOLDERS = "/usr/sbin:/usr/bin:/sbin:/bin"

CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={port}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
MpiDefault=none
SwitchType=switch/none
# No control groups: processes are followed by their parents, memory is looked at every second.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
ReturnToService=2
MinJobAge=300
KillWait=2
SlurmdTimeout=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
NodeName=DEFAULT CPUs=2 RealMemory=16000 State=UNKNOWN
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}]
PartitionName=main Nodes=ALL Default=YES DefMemPerCPU=500 DefaultTime=10 MaxTime=1440 State=UP
"""


def why_not() -> str | None:
    """Return why no Slurm can be started here, or None."""
    path = f"{os.environ['PATH']}:{SYSTEM_FOLDERS}"
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        return f"Slurm is not installed: {', '.join(missing)} not found"
    if os.geteuid() != 0:
        return "only root can start Slurm's nodes"
    if COMPILED_IN.exists() and not COMPILED_IN.resolve().parent.name.startswith(FOLDER):
        return f"{COMPILED_IN} belongs to a cluster"
    return None


class Cluster:
    """The running daemons.

    Parameters
    ----------
    folder
        For configuration, state and logs; its name begins with `FOLDER`.
    nodes
        How many nodes, of two cores and 16,000 MB each, whatever the machine has.
    """

    def __init__(self, folder: Path, nodes: int = 4) -> None:
        self.folder, self.nodes = folder, nodes

    def __enter__(self) -> Self:
        for name in ("state", *(f"spool.n{i}" for i in range(1, self.nodes + 1))):
            (self.folder / name).mkdir()
        ports = _free_ports(self.nodes + 1)
        text = CONFIGURATION.format(
            folder=self.folder,
            host=socket.gethostname().split(".")[0],
            user=getpass.getuser(),
            nodes=self.nodes,
            port=ports[0],
            first=ports[1],
            last=ports[-1],
        )
        path = self.folder / "slurm.conf"
        path.write_text(text)
        COMPILED_IN.parent.mkdir(exist_ok=True)
        COMPILED_IN.unlink(missing_ok=True)
        COMPILED_IN.symlink_to(path)
        self._start_munge()
        self.start_controller()
        for i in range(1, self.nodes + 1):
            self.start_node(f"n{i}")
        self.wait_until(lambda: self.ask("sinfo", "-hN", "-o", "%T").split() == ["idle"] * self.nodes)
        return self

    def __exit__(self, *_: object) -> None:
        self.ask("scancel", "--user", getpass.getuser())
        for name in (*(f"slurmd.n{i}" for i in range(1, self.nodes + 1)), "slurmctld", "munged"):
            self.kill(name, signal.SIGTERM)
        COMPILED_IN.unlink(missing_ok=True)

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        files = {"socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log"}
        options = [f"--{name}={self.folder / file}" for name, file in files.items()]
        self.ask("munged", "--force", f"--key-file={key}", f"--seed-file={key}.seed", *options)

    def start_controller(self) -> None:
        self.ask("slurmctld")
        self.wait_until(lambda: " is UP" in self.ask("scontrol", "ping"))

    def start_node(self, name: str) -> None:
        self.ask("slurmd", "-N", name)

    def kill(self, daemon: str, how: int = signal.SIGKILL) -> None:
        """End a daemon, `slurmctld` or `slurmd.n1`, and wait until it is gone."""
        path = self.folder / f"{daemon}.pid"
        if not path.exists():
            return
        process = Path("/proc") / path.read_text().strip()
        os.kill(int(process.name), how)
        self.wait_until(lambda: not process.exists() or "State:\tZ" in (process / "status").read_text())
        path.unlink(missing_ok=True)

    def lose_node(self, name: str) -> None:
        """Kill a node: its daemon, and all that runs on it, as when a machine is switched off."""
        steps = [f"[{job['id']}." for job in self.jobs() if job["node"] == name]
        self.kill(f"slurmd.{name}")
        for process in Path("/proc").glob("[0-9]*"):
            try:
                title = (process / "cmdline").read_text()
                is_step = title.startswith("slurmstepd") and any(step in title for step in steps)
                if is_step or f"SLURMD_NODENAME={name}\0".encode() in (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:
                continue

    def jobs(self) -> list[dict[str, str]]:
        """Return the jobs that are waiting or running."""
        names = ("id", "state", "node", "comment")
        lines = self.ask("squeue", "-h", "-o", "%i|%T|%N|%k").splitlines()
        return [dict(zip(names, line.split("|", 3), strict=True)) for line in lines]

    def ask(self, *command: str) -> str:
        """Run a command of Slurm, and return what it printed."""
        environment = {"PATH": SYSTEM_FOLDERS, "SLURM_CONF": str(self.folder / "slurm.conf")}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout

    def wait_until(self, is_so: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until something holds."""
        end = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > end:
                raise TimeoutError((self.folder / "slurmctld.log").read_text()[-2000:])
            time.sleep(0.1)


def _free_ports(number: int) -> list[int]:
    """Return ports in a row that nobody listens on."""
    for start in range(16800, 30000, 100):
        ports = list(range(start, start + number))
        if all(_is_free(port) for port in ports):
            return ports
    raise OSError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
