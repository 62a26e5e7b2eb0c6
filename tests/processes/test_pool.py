"""Workers that are killed, stopped or slow at any moment, and the threads that ask them."""

import multiprocessing
import multiprocessing.resource_tracker
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from timed_work_for_tests import Asked, LargeWork, PooledWork, TimedWork

from servier.errors import ServierError
from servier.processes import keeper, ordered_map
from servier.processes.budgets import AbandonedError, Budget, BusyError, OverdueError
from servier.processes.parcels import Parcel
from servier.processes.pool import WorkerPool
from servier.processes.turns import Lane
from servier.processes.workers import WorkerProcess

pytestmark = pytest.mark.process

PATIENCE = 100.0
AT_ONCE = Asked([("compute", 0.001)])


@contextmanager
def open_pool(n_workers, timeout=20.0, work=None):
    pool = WorkerPool(work or PooledWork(), n_workers, timeout)
    pool.start()
    try:
        yield pool
    finally:
        pool.close()


def workers_of(pool):
    """The processes of a pool, whatever they are doing."""
    return [worker.process for worker in list(pool._keeper._workers)]


def eventually(condition):
    """Wait until something is so, but not for ever."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_work_of_any_size_starts_without_waiting_for_the_process(monkeypatch):
    """A process that ends before it reads anything does not keep its parent; a pipe would hold 64 KiB."""
    multiprocessing.resource_tracker.ensure_running()  # which is started in the same way
    monkeypatch.setattr(multiprocessing.spawn, "_python_exe", b"/bin/false")
    started = []
    threading.Thread(target=lambda: started.append(start(LargeWork(10_000_000))), daemon=True).start()
    eventually(lambda: started)
    with pytest.raises(EOFError):
        started[0].receive()
    started[0].stop()


def start(work):
    return WorkerProcess(Parcel(work), PATIENCE)


def test_work_of_any_size_arrives():
    """Each of several processes has all of it."""
    with open_pool(2, work=LargeWork(10_000_000)) as pool, ThreadPoolExecutor(2) as threads:
        assert list(threads.map(pool.ask, [AT_ONCE] * 4)) == [10_000_000] * 4


@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.exhaustive)])
def test_workers_may_be_killed_at_any_moment(kills):
    """Starting, idle or busy: whichever are killed, the next question is answered."""
    chance = random.Random(kills)
    with open_pool(2) as pool:
        for _ in range(kills):
            time.sleep(chance.random() / 2)
            with ThreadPoolExecutor(1) as threads:
                busy = threads.submit(pool.ask, Asked([("sleep", chance.random() / 5)]))
                time.sleep(chance.random() / 5)
                alive = workers_of(pool)
                for process in chance.sample(alive, min(len(alive), chance.randint(1, 2))):
                    process.kill()
                assert pool.ask(AT_ONCE, Budget(PATIENCE)) == ["compute"]
                assert busy.result() == ["sleep"]


def test_a_worker_that_does_not_get_ready_is_replaced(monkeypatch):
    """A watch ends one that is stopped as it starts; meanwhile the others answer."""
    with open_pool(2) as pool:
        monkeypatch.setattr(keeper, "SECONDS_TO_START", 2.0)
        first, second = workers_of(pool)
        first.kill()
        eventually(lambda: len(set(workers_of(pool)) - {first, second}) == 1)
        (starting,) = set(workers_of(pool)) - {first, second}
        os.kill(starting.pid, signal.SIGSTOP)
        assert pool.ask(AT_ONCE) == ["compute"]
        monkeypatch.setattr(keeper, "SECONDS_TO_START", PATIENCE)
        eventually(lambda: not starting.is_alive())
        eventually(lambda: pool._keeper.turns.count_alive() == 2)


def test_a_worker_of_a_map_that_does_not_get_ready_is_replaced(monkeypatch):
    """Bulk work does not wait for one that is stopped as it starts either."""
    monkeypatch.setattr(ordered_map, "SECONDS_TO_START", 2.0)
    is_first, start = [True], ordered_map._Worker.__init__

    def stop_first(worker, parcel):
        start(worker, parcel)
        if is_first.pop():
            os.kill(worker.process.pid, signal.SIGSTOP)
            monkeypatch.setattr(ordered_map, "SECONDS_TO_START", PATIENCE)
        is_first.append(False)

    monkeypatch.setattr(ordered_map._Worker, "__init__", stop_first)
    assert next(ordered_map.ordered_map(TimedWork(), [[("sleep", 0)]], 1)) == ["sleep"]


def test_closing_waits_for_no_worker():
    """Workers that are stopped, busy or starting are ended, and who asked them is told."""
    with ThreadPoolExecutor(3) as threads, open_pool(3) as pool:
        asked = [threads.submit(pool.ask, Asked([(what, 600)])) for what in ("sleep", "stop", "compute")]
        eventually(lambda: len(pool._keeper.turns._taken) == 3)
        processes = workers_of(pool)
        started = time.monotonic()
        pool.close()
        for one in asked:
            with pytest.raises(BusyError, match="stops"):
                one.result(PATIENCE)
        assert time.monotonic() - started < 10
        assert not any(process.is_alive() for process in processes)
        with pytest.raises(BusyError, match="stops"):
            pool.ask(AT_ONCE)


def test_work_that_cannot_start_is_an_error():
    """Processes that die as they start are tried a few times, then that is said."""
    with pytest.raises(ServierError, match="die as they start"), open_pool(1, work=LargeWork(-1)):
        pass


def test_an_answer_is_waited_for_only_as_long_as_it_is_wanted():
    """When its time is up, or nobody waits any more, the thread goes on; the worker answers others later."""
    with open_pool(1) as pool:
        for budget, error in ((Budget(0.5), OverdueError), (Budget(60, lambda: True), AbandonedError)):
            started = time.monotonic()
            with pytest.raises(error):
                pool.ask(Asked([("sleep", 3)]), budget)
            assert time.monotonic() - started < 3
        (process,) = workers_of(pool)
        assert pool.ask(AT_ONCE) == ["compute"]
        assert workers_of(pool) == [process]


def test_lists_do_not_keep_single_questions_waiting():
    """A single question overtakes the parts of lists that are waiting, and lists go on all the same."""
    with open_pool(1) as pool, ThreadPoolExecutor(40) as threads:
        order = []

        def ask(lane):
            pool.ask(Asked([("sleep", 0.1)]), Budget(PATIENCE), lane)
            order.append(lane)

        asked = [threads.submit(ask, Lane.LIST) for _ in range(20)]
        eventually(lambda: order)
        asked += [threads.submit(ask, Lane.SINGLE) for _ in range(10)]
        for one in asked:
            one.result()
        last_single = len(order) - 1 - order[::-1].index(Lane.SINGLE)
        assert last_single < 20
        assert Lane.LIST in order[order.index(Lane.SINGLE) : last_single]


def test_slow_work_leaves_a_worker_to_others():
    """Of two workers one at most works on what may be slow, however much of it is waiting."""
    with open_pool(2) as pool, ThreadPoolExecutor(5) as threads:
        lanes = [Lane.SLOW, Lane.LONG, Lane.SLOW]
        slow = [threads.submit(pool.ask, Asked([("sleep", 3)]), Budget(PATIENCE), lane) for lane in lanes]
        eventually(lambda: pool._keeper.turns._taken)
        assert pool.ask(AT_ONCE) == ["compute"]
        assert not any(one.done() for one in slow)
        assert [one.result() for one in slow] == [["sleep"]] * 3
