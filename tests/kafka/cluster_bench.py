#!/usr/bin/env python3
"""cluster_bench.py [--runs N] [--rate R] [--only KINDS] [--build DIR]: how long lanes pause when they move or are lost.

The job of kill_job.py (three lanes that read, three with windows, one with the model) under `streamml cluster` with two
workers, with rows coming in at a rate and snapshots in a store that all workers see. Of each event, over N runs:

  lanes that move   the longest time without a commit but the new owner's claim, by the lane's journal, of the lanes
                    that had to move
  kill to commit    from the kill -9 to the next commit, beyond the claim, of the lanes that were lost: the last one's
  beside            the longest time without a commit of lanes that read nothing of those that move
  behind            the same of lanes downstream, which wait for the rows of those that move (event order)
  output            the longest time in which a reader of the model's output, which waits for all lanes, gets nothing

each from the event until 0.7 s after all is settled. "none" is the same for times of the same length in which nothing
happens, and also all gaps between commits. Each column is min / p50 / p90 / p99 / max in ms. A table, never a pass or
fail. Needs Kafka's jars: ./dev kafka-bench.
"""

import argparse
import math
import os
import pathlib
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# pylint: disable=wrong-import-position
import cluster_job  # noqa: E402
import kill_job  # noqa: E402
from broker import Broker  # noqa: E402
from cluster_job import Failure  # noqa: E402

PROJECT = HERE.parents[1]
AFTER_S = 0.7  # watched after all is settled
QUIET_S = 11   # between two kills: a worker that ends sooner after its start is shaky
CALM_S = 3     # one run in which nothing happens
WARM_UP_S = 10
COMMITS = ("--commit-interval", "20ms")
LANES_OF_STAGES = ((0, 1, 2), (3, 4, 5), (6,))
KINDS = {"none": "none, 2 workers", "more": "hand-off, 2 -> 3 workers", "fewer": "hand-off, 3 -> 2 workers",
         "kill": "kill -9, no standby", "standby": "kill -9, standby"}
SECONDS_PER_RUN = {"none": CALM_S, "more": 6, "fewer": 6, "kill": QUIET_S + 9, "standby": QUIET_S + 9}
COLUMNS = ("lanes that move", "kill to commit", "beside", "behind", "output")


def stage_of(lane):
    return next(stage for stage, lanes in enumerate(LANES_OF_STAGES) if lane in lanes)


def owners(status):
    """{lane: worker}"""
    return {facts["lane"]: worker["name"] for worker in status["workers"] for facts in worker["observation"]["lanes"]
            if facts["phase"] == "PHASE_RUNNING"}


class Bench:
    def __init__(self, job, flags, workers):
        self.cluster = cluster_job.Cluster(job, "data", commits=COMMITS)
        self.workers = workers
        self.cluster.start(workers, *flags)
        self.status = self.cluster.await_settled(workers, f"{workers} workers {' '.join(flags)}")
        self.journals = cluster_job.Journals(job.broker.address, 0.004)
        self.follower = kill_job.Follower(job.load, job.broker.address, kill_job.SINKS[0])
        while self.follower.total < 2000:
            self.follower.look(0.1)
        self.watch(WARM_UP_S)

    def watch(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.follower.look(0.02)

    def event(self, act, workers):
        """{column: seconds}"""
        before, epoch, started = owners(self.status), int(self.status["epoch"]), time.monotonic()
        lost = act(self.status)
        while True:
            self.follower.look(0.02)
            status = self.cluster.status()
            if status and int(status["epoch"]) > epoch and status["settled"] and len(status["workers"]) == workers:
                break
            if time.monotonic() - started > 60:
                raise Failure(f"not settled: {status}\n{self.cluster.process.output}")
        self.watch(AFTER_S)
        end, self.status, after = time.monotonic(), status, owners(status)
        if lost:
            moved = [lane for lane in before if before[lane] == lost]
        else:
            moved = [lane for lane in before if before[lane] != after.get(lane)]
        result = self.gaps(moved, started, end)
        if lost and moved:
            result["kill to commit"] = max(self.journals.output_after(lane, started) - started for lane in moved)
        return result

    def gaps(self, moved, started, end):
        gaps = {lane: self.journals.longest_gap(lane, started, end, within=1 if lane in moved else 0)
                for lane in self.journals.moments}
        first = min((stage_of(lane) for lane in moved), default=len(LANES_OF_STAGES))
        sets = {"lanes that move": moved,
                "beside": [lane for lane in gaps if lane not in moved and stage_of(lane) <= first],
                "behind": [lane for lane in gaps if lane not in moved and stage_of(lane) > first]}
        result = {column: max(gaps[lane] for lane in lanes) for column, lanes in sets.items() if lanes}
        result["output"] = cluster_job.longest_gap(self.follower, started)
        return result

    def calm(self):
        started = time.monotonic()
        self.watch(CALM_S)
        return self.gaps([], started, time.monotonic())

    def resize(self, workers):
        return self.event(lambda _: self.cluster.ask("--resize", workers) and None, workers)

    def kill(self, lane):
        self.watch(QUIET_S)

        def act(status):
            victim = cluster_job.owner_of(status, lane)
            os.kill(victim["pid"], signal.SIGKILL)
            return victim["name"]

        self.status = self.cluster.status()
        return self.event(act, self.workers)

    def close(self):
        self.journals.close()
        self.follower.close()
        self.cluster.stop()


def quantiles(values):
    values = sorted(values)
    at = (values[min(len(values), max(1, math.ceil(len(values) * share))) - 1] for share in (0, 0.5, 0.9, 0.99, 1))
    return " / ".join(f"{value * 1000:.0f}" for value in at)


def print_row(name, results):
    columns = []
    for column in COLUMNS:
        values = [result[column] for result in results if column in result]
        columns.append(quantiles(values) if values else "-")
    print(f"| {name} | {len(results)} | {' | '.join(columns)} |", flush=True)


def measure(kinds, runs, job):
    """Rows of the table, from one life of the job."""
    if "none" in kinds or "more" in kinds:
        bench = Bench(job, (), 2)
        calm = [bench.calm() for _ in range(runs)]
        print_row(KINDS["none"], calm)
        print_row("none, each gap between commits", [{"beside": gap} for gap in bench.journals.gaps()])
        if "more" in kinds:
            more, fewer = [], []
            for _ in range(runs):
                more.append(bench.resize(3))
                fewer.append(bench.resize(2))
            print_row(KINDS["more"], more)
            print_row(KINDS["fewer"], fewer)
        bench.close()
    for kind in ("kill", "standby"):
        if kind in kinds:
            bench = Bench(job, ("--standby",) if kind == "standby" else (), 2)
            lanes = ("payments[0]", "features[1]", "risk[0]", "features[2]")
            print_row(KINDS[kind], [bench.kill(lanes[run % len(lanes)]) for run in range(runs)])
            bench.close()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--rate", type=int, default=20000, help="rows per second")
    parser.add_argument("--only", default="more,kill,standby", help="of none, more (with none and fewer), kill, standby")
    parser.add_argument("--build", default=str(PROJECT / "build/release"))
    return parser.parse_args()


def run(arguments, folder):
    kinds = arguments.only.split(",")
    groups = [group for group in (("none", "more", "fewer"), ("kill",), ("standby",)) if set(group) & set(kinds)]
    seconds = max(sum(SECONDS_PER_RUN[kind] for kind in group) for group in groups) * arguments.runs + 60
    settings = {"log.segment.delete.delay.ms": 1000}  # a group's topics are gone when the next begins
    with Broker(folder / "broker", full_speed=True, settings=settings) as broker:
        job = kill_job.Job(folder, arguments.build, broker, 1, arguments.rate * seconds, "inline", hours=seconds / 60)
        path = folder / "job.yaml"
        spec = f"  snapshots: {{interval: 2s, upload: 2s, store: \"{folder}/store\"}}\n"
        path.write_text(path.read_text(encoding="ascii") + spec, encoding="ascii")
        print(f"rate {arguments.rate} rows/s, load average before {os.getloadavg()[0]:.1f}; "
              "ms: min / p50 / p90 / p99 / max\n")
        print(f"| event | runs | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}", flush=True)
        for group in groups:
            job.reset()
            job.forget("data")
            job.forget("store")
            filling = job.fill(arguments.rate)
            try:
                measure(set(group) & set(kinds), arguments.runs, job)
                if not filling.alive:
                    raise Failure(f"rows ended before the runs did: {filling.output}")
            finally:
                filling.end()


def main():
    arguments = parse_arguments()
    folder = PROJECT / "build" / "kafka-bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        run(arguments, folder)
    except Failure as failure:
        print(f"FAILED: {failure}; kept: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
