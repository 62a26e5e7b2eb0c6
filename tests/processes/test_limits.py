"""What a worker may take: processor time, and only for true hangs wall time."""

import os
import subprocess
import sys
import time

import pytest
from timed_work_for_tests import Asked, EnvironmentWork, PooledWork, TimedWork

from servier.chem.molecules import Status
from servier.processes.ordered_map import TIMEOUT, ordered_map
from servier.processes.pool import UnansweredError, WorkerPool
from servier.processes.workers import ONE_THREAD, WALL_FACTOR

pytestmark = pytest.mark.process


def answers(items, timeout, workers=1):
    """The answers for one chunk, in a flat list."""
    (found,) = ordered_map(TimedWork(), [items], workers, timeout)
    return found


def test_waiting_costs_no_processor_time():
    """A worker that sleeps for longer than the limit gives its answer."""
    assert answers([("sleep", 1.5)], timeout=0.5) == ["sleep"]


def test_computing_does():
    """A worker that computes for longer is ended; the item alone is given up, whatever stands beside it."""
    items = [("compute", 0.01), ("sleep", 0.5), ("compute", 60), ("sleep", 0)]
    started = time.monotonic()
    assert answers(items, timeout=0.4) == ["compute", "sleep", "timeout: no answer within 0.4 s", "sleep"]
    assert time.monotonic() - started < 30


def test_time_is_counted_for_each_chunk_anew():
    """What a worker computed for earlier chunks is not charged to the next one."""
    chunks = [[("compute", 0.3)]] * 5
    assert [*ordered_map(TimedWork(), chunks, 1, 1.0)] == [["compute"]] * 5


def test_a_process_that_does_nothing_is_given_up():
    """A true hang ends after a multiple of the limit."""
    started = time.monotonic()
    assert answers([("stop", 0)], timeout=0.1) == ["timeout: no answer within 0.1 s"]
    assert time.monotonic() - started > 0.1 * WALL_FACTOR


def test_no_limit_is_no_limit():
    """Work without a limit is waited for."""
    assert answers([("compute", 0.2)], timeout=float("inf")) == ["compute"]


@pytest.mark.slow
def test_a_busy_machine_changes_no_answer():
    """Beside four times as many busy processes as cores an item takes long, and is answered all the same."""
    n_busy = 4 * len(os.sched_getaffinity(0))
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n_busy)]
    try:
        started = time.monotonic()
        assert answers([("compute", 0.7)], timeout=2.0) == ["compute"]
        assert time.monotonic() - started > 2.0
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_the_pool_counts_in_the_same_way():
    """A question that sleeps is answered, one that computes or stops is late, and the pool goes on."""
    pool = WorkerPool(PooledWork(), 1, 0.3)
    pool.start()
    try:
        assert pool.ask(Asked([("sleep", 1.0)])) == ["sleep"]
        for what in ("compute", "stop"):
            with pytest.raises(UnansweredError, match=r"no answer within 0\.3 s") as late:
                pool.ask(Asked([(what, 60)]))
            assert late.value.status == Status.TIMEOUT
        assert pool.ask(Asked([("compute", 0.01)])) == ["compute"]
    finally:
        pool.close()


def test_workers_use_one_thread_for_linear_algebra(monkeypatch):
    """Whatever the user has set, and what is set here stays as it was."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    assert next(ordered_map(EnvironmentWork(), [list(ONE_THREAD)], 1)) == ["1"] * len(ONE_THREAD)
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_the_commands_have_the_limit_of_the_library():
    """What help shows as the default is what the library takes."""
    from servier.cli.bulk import featurize, predict_file

    for command in (featurize, predict_file):
        (option,) = (parameter for parameter in command.params if parameter.name == "timeout")
        assert option.default == TIMEOUT
