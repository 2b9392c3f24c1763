#!/usr/bin/env python3
"""cluster_bench.py [--runs N] [--rate R] [--build DIR]: how long lanes pause when they move.

The job of kill_job.py under `streamml cluster`, with rows coming in at a rate. Per kind of event, over N runs: the
longest time between two records of a lane's journal, from the event until all is settled: of the lanes that moved, and
of the others; and between two looks of a reader of the model's output, which waits for all lanes. A table, never a
pass or fail. Needs Kafka's jars: ./dev kafka-bench.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# pylint: disable=wrong-import-position
import cluster_test  # noqa: E402
import kill_job  # noqa: E402
import wire  # noqa: E402
from broker import Broker  # noqa: E402

JOURNAL = "streamml.kill.1.journal"
LOOK_S = 0.004
AFTER_S = 0.7  # watched after all is settled
QUIET_S = 11   # between two kills: a worker that ends sooner after its start is shaky


class Journals:
    """When each lane's journal grew."""

    def __init__(self, address):
        self._address, self._stop = address, threading.Event()
        self.moments = {lane: [] for lane in range(kill_job.NUM_LANES)}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        last = {}
        while not self._stop.wait(LOOK_S):
            ends = wire.ends(self._address, JOURNAL, kill_job.NUM_LANES)
            now = time.monotonic()
            for lane, end in ends.items():
                if last.get(lane) != end:
                    self.moments[lane].append(now)
            last = ends

    def longest_gap(self, lane, since, until):
        moments = [since, *(moment for moment in list(self.moments[lane]) if since < moment < until), until]
        return max(later - earlier for earlier, later in zip(moments, moments[1:]))

    def close(self):
        self._stop.set()
        self._thread.join()


def owners(status):
    """{lane: worker}"""
    return {facts["lane"]: worker["name"] for worker in status["workers"] for facts in worker["observation"]["lanes"]
            if facts["phase"] == "PHASE_RUNNING"}


class Bench:
    def __init__(self, job, flags, workers):
        self.cluster = cluster_test.Cluster(job, "data")
        self.workers, self.rows = workers, []
        self.cluster.start(workers, *flags)
        self.status = self.cluster.await_settled(workers, f"{workers} workers {' '.join(flags)}")
        self.journals = Journals(job.broker.address)
        self.follower = kill_job.Follower(job.load, job.broker.address, kill_job.SINKS[0])
        while self.follower.total < 2000:
            self.follower.look(0.1)

    def event(self, act, workers):
        """(moved lanes, other lanes, output): longest pauses in seconds."""
        before, epoch, started = owners(self.status), int(self.status["epoch"]), time.monotonic()
        lost = act(self.status)
        while True:
            self.follower.look(0.02)
            status = self.cluster.status()
            if status and int(status["epoch"]) > epoch and status["settled"] and len(status["workers"]) == workers:
                break
            if time.monotonic() - started > 60:
                raise cluster_test.Failure(f"not settled: {status}\n{self.cluster.process.output}")
        end = time.monotonic() + AFTER_S
        while time.monotonic() < end:
            self.follower.look(0.02)
        self.status = status
        after = owners(status)
        moved = [lane for lane in before if before[lane] != after.get(lane) or before[lane] == lost]
        gaps = {lane: self.journals.longest_gap(lane, started, end) for lane in before}
        return (max((gaps[lane] for lane in moved), default=0.0),
                max((gaps[lane] for lane in gaps if lane not in moved), default=0.0),
                cluster_test.longest_gap(self.follower, started))

    def undisturbed(self):
        started = time.monotonic()
        while time.monotonic() < started + 2:
            self.follower.look(0.02)
        lanes = [self.journals.longest_gap(lane, started, started + 2) for lane in self.journals.moments]
        return 0.0, max(lanes), cluster_test.longest_gap(self.follower, started)

    def resize(self, workers):
        return self.event(lambda _: self.cluster.ask("--resize", workers) and None, workers)

    def kill(self, lane):
        time.sleep(QUIET_S)

        def act(status):
            victim = cluster_test.owner_of(status, lane)
            os.kill(victim["pid"], signal.SIGKILL)
            return victim["name"]

        self.status = self.cluster.status()
        return self.event(act, self.workers)

    def close(self):
        self.journals.close()
        self.follower.close()
        self.cluster.stop()


def print_row(name, results):
    columns = []
    for part in range(3):
        values = sorted(result[part] * 1000 for result in results)
        columns.append(" / ".join(f"{values[min(len(values) - 1, int(len(values) * share))]:.0f}"
                                  for share in (0, 0.5, 0.9, 0.99)))
    print(f"| {name} | {len(results)} | {' | '.join(columns)} |", flush=True)


def run(arguments, job):
    print(f"rate {arguments.rate} rows/s; longest pauses in ms: min / p50 / p90 / max\n")
    print("| event | runs | lanes that move | other lanes | output of all |\n|---|---|---|---|---|", flush=True)
    filling = job.fill(arguments.rate)
    try:
        bench = Bench(job, (), 2)
        print_row("none, 2 workers", [bench.undisturbed() for _ in range(arguments.runs)])
        more, fewer = [], []
        for _ in range(arguments.runs):
            more.append(bench.resize(3))
            fewer.append(bench.resize(2))
        print_row("hand-off, 2 -> 3 workers", more)
        print_row("hand-off, 3 -> 2 workers", fewer)
        print_row("kill -9, no standby", [bench.kill("payments[0]") for _ in range(arguments.runs)])
        bench.close()
        bench = Bench(job, ("--standby",), 2)
        print_row("kill -9, standby", [bench.kill("payments[0]") for _ in range(arguments.runs)])
        bench.close()
    finally:
        filling.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--rate", type=int, default=5000, help="rows per second")
    parser.add_argument("--build", default=str(HERE.parents[1] / "build/release"))
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="streamml-bench-"))
    seconds = arguments.runs * (2 * QUIET_S + 20) + 60
    try:
        with Broker(full_speed=True) as broker:
            job = kill_job.Job(folder, arguments.build, broker, 1, arguments.rate * seconds, "inline")
            job.reset()
            run(arguments, job)
    except cluster_test.Failure as failure:
        print(f"FAILED: {failure}; kept: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
