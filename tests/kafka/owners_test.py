#!/usr/bin/env python3
"""owners_test.py [--trials NAMES] [--rounds N --seed S] [--build DIR] [--keep]: who owns lanes when two believe that they do.

The broker and each worker have network namespaces of their own, and `streamml cluster` runs the job of kill_job.py while
rows come in. The trials:

  cut           a worker is cut off from all others, and comes back when its lanes have gone elsewhere
  deaf          a worker is cut off from the broker alone: the coordinator still hears it
  stopped       a worker stands still for longer than a transaction may be open, and goes on; nobody can kill it
  stale         a worker is started from a copy of what another one kept, older than what it does now
  twin          the same with what it does now: two processes have one assignment
  coordinators  a second coordinator is started for the job while the first one works, with workers of its own
  late          the same while the first one stands still, which then goes on

Each time the lanes that were fought for are committing again within a bound, at who has them by right, all is settled
again, and who lost has stopped. At the end committed output, digests and counts are those of an undisturbed run, and a
clean replay passes. Without --rounds all trials are one series; with it each is one of its own, at random moments.
Exit code 77: there are no network namespaces here.
"""

import argparse
import json
import os
import pathlib
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# pylint: disable=wrong-import-position
import cluster_job  # noqa: E402
import kill_job  # noqa: E402
import netns  # noqa: E402
import wire  # noqa: E402
from broker import Broker  # noqa: E402
from cluster_job import Failure  # noqa: E402

SKIPPED = 77
NUM_ROWS = 28000
RATE = 320  # rows per second
CUT_S = 6  # longer than the coordinator waits for a silent worker (3 s), shorter than until it kills it (10 s)
STOPPED_S = kill_job.TRANSACTION_TIMEOUT_S + 2
# Silence until it is believed (3 s), a transaction that is left open in the worst case, and opening lanes on a busy machine.
BOUND_S = 3 + kill_job.TRANSACTION_TIMEOUT_S + 10
LOSER_S = 15  # until who lost has stopped
WATCH_S = 1.5


class Elsewhere:
    """A place for each worker of one cluster: worker-0, worker-1, ..."""

    def __init__(self, job, network, name, num_workers):
        self.places = [network.add() for _ in range(num_workers)]
        self.folder = job.folder / f"bin-{name}"
        self.folder.mkdir()
        shutil.copy2(job.streamml, self.folder / "streamml")  # it starts the worker that lies beside it
        (self.folder / "streamml-worker").symlink_to(HERE / "worker_elsewhere")
        places = {f"worker-{i}": {"namespace": place.pid, "address": place.address}
                  for i, place in enumerate(self.places)}
        config = {"worker": str(job.streamml.with_name("streamml-worker")), "test": os.getpid(), "places": places}
        (self.folder / "places.json").write_text(json.dumps(config), encoding="utf-8")

    def cluster(self, job, data):
        return cluster_job.Cluster(job, data, self.folder / "streamml",
                                   {"STREAMML_ELSEWHERE": str(self.folder / "places.json")})

    def place(self, worker):
        return self.places[int(worker.rpartition("-")[2])]


def lanes_of(worker):
    return [lane["lane"] for lane in worker["observation"]["lanes"] if lane["phase"] == "PHASE_RUNNING"]


def send_to(worker, number):
    """To the worker itself; the process that the coordinator knows stands in for it."""
    os.kill(worker["observation"]["worker"]["pid"], number)


def await_end(pid, seconds):
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], seconds)[0])
    finally:
        os.close(process)


class Trials:
    """What the scripts of a series do; `rng`: moments, None for fixed ones."""

    def __init__(self, series, network, places, rng):
        self.series, self.network, self.places, self.rng = series, network, places, rng
        self.status, self.journals = None, None
        self.times = []  # (trial, longest pause of a lane, longest pause of the output)
        self.num_others = 0

    def run(self, names):
        self.series.cluster.start(2)
        self.status = self.series.cluster.await_settled(2, "start of 2")
        self.series.await_output()
        self.journals = cluster_job.Journals(self.series.job.broker.address)
        try:
            for name in names:
                self.watch(self.rng.uniform(0, 2) if self.rng else 0.5)
                getattr(self, name)()
        finally:
            self.journals.close()

    def watch(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.series.follower.look(0.05)

    def more(self, seconds):
        """So long, or with a seed something longer."""
        return seconds + (self.rng.uniform(0, 3) if self.rng else 0)

    def victim(self):
        """A worker with lanes of windows, on which everything waits."""
        return cluster_job.owner_of(self.status, f"features[{self.rng.randrange(3) if self.rng else 0}]")

    def await_commits(self, lanes, since, what, bound_s=BOUND_S):
        """Until each of the lanes has committed after `since`: nobody could who has lost them."""
        while not all(any(moment > since for moment in self.journals.moments[lane]) for lane in lanes):
            self.series.follower.look(0.05)
            if time.monotonic() - since > bound_s:
                late = [lane for lane in lanes if not any(moment > since for moment in self.journals.moments[lane])]
                raise Failure(f"{what}: lanes {late} have not committed for {bound_s} s: {self.series.cluster.status()}\n"
                              f"{self.series.cluster.process.output}")

    def settle(self, what, workers, since, lanes):
        """All runs again where it shall; notes how long what stood still."""
        self.status = self.series.cluster.await_settled(workers, what)
        self.watch(WATCH_S)
        until = time.monotonic()
        pause = max((self.journals.longest_gap(lane, since, until) for lane in lanes), default=0.0)
        output = cluster_job.longest_gap(self.series.follower, since)
        self.times.append((what, pause, output))
        print(f"  {what}: lanes that were fought for paused {pause:.2f} s, output {output:.2f} s", flush=True)
        if pause > BOUND_S or output > BOUND_S:
            raise Failure(f"{what}: longer than {BOUND_S} s without a commit")

    # ---- the trials

    def cut(self):
        victim = self.victim()
        place, lanes, since = self.places.place(victim["name"]), lanes_of(victim), time.monotonic()
        place.cut()
        self.await_commits(lanes, since + 0.2, "cut")  # what was on its way has arrived by then
        self.watch(max(0, since + self.more(CUT_S) - time.monotonic()))
        place.heal()
        self.settle("cut", 2, since, lanes)

    def deaf(self):
        victim = self.victim()
        place, lanes, since = self.places.place(victim["name"]), lanes_of(victim), time.monotonic()
        place.cut_from_broker()
        try:
            self.await_commits(lanes, since + 0.2, "deaf")
            self.watch(self.more(1))
        finally:
            place.heal()
        self.settle("deaf", 2, since, lanes)

    def stopped(self):
        victim = self.victim()
        lanes, since, pid = lanes_of(victim), time.monotonic(), victim["observation"]["worker"]["pid"]
        send_to(victim, signal.SIGSTOP)
        self.await_commits(lanes, since + 0.2, "stopped")
        self.watch(max(0, since + self.more(STOPPED_S) - time.monotonic()))
        send_to(victim, signal.SIGCONT)
        self.watch(3)  # it may try what it likes
        if await_end(pid, 0):
            raise Failure("stopped: the worker that was replaced has ended by itself")
        send_to(victim, signal.SIGTERM)
        if not await_end(pid, LOSER_S):
            raise Failure(f"stopped: the worker that was replaced does not end within {LOSER_S} s of a SIGTERM")
        self.settle("stopped", 2, since, lanes)

    def copied(self, what):
        """Copies of what the workers keep now, and the lanes that each runs."""
        copies = self.series.job.folder / f"{self.series.name}-{what}-{self.num_others}"
        copies.mkdir()
        self.num_others += 1
        lanes = {worker["name"]: lanes_of(worker) for worker in self.status["workers"]}
        for name in lanes:
            try:
                shutil.copytree(self.series.job.folder / self.series.cluster.data / ".streamml/workers" / name,
                                copies / name)
            except shutil.Error:
                pass  # snapshots come and go meanwhile: what is missing is read from the journal
        return copies, lanes

    def run_copy(self, what, copy, mine):
        """Starts a worker from the copy of another one, and waits until it has lost its lanes."""
        place, since = self.network.add(), time.monotonic()
        program = self.series.job.streamml.with_name("streamml-worker")
        worker = kill_job.Worker(place.inside([
            program, "--name", copy.name, "--data-dir", copy, "--listen", f"unix:{copy}/fleet.sock", "--http",
            f"{place.address}:8080", *kill_job.COMMIT_OFTEN]), self.series.job.folder)
        try:
            self.await_loss(what, worker, f"http://{place.address}:8080/metrics", since, len(mine))
            worker.send(signal.SIGTERM)
            if worker.wait(LOSER_S) != 0:
                raise Failure(f"{what}: exit code {worker.wait(0)}:\n{worker.output}")
        finally:
            worker.end()
        self.settle(what, len(self.status["workers"]), since, mine)

    def stale(self):
        """The copy is made before a lane moves away from its owner, who then keeps the others."""
        copies, before = self.copied("stale")
        self.series.cluster.ask("--resize", 3)
        self.status = self.series.cluster.await_settled(3, "stale: 2 -> 3")
        # Of an odd number of lanes only one of the two gives some away.
        name = next(worker["name"] for worker in self.status["workers"]
                    if set(before.get(worker["name"], ())) - set(lanes_of(worker)))
        self.run_copy("stale", copies / name, before[name])
        self.series.cluster.ask("--resize", 2)
        self.status = self.series.cluster.await_settled(2, "stale: 3 -> 2")

    def twin(self):
        """The copy has the assignment that its original has: only the coordinator knows who is right."""
        copies, lanes = self.copied("twin")
        name = self.victim()["name"]
        self.run_copy("twin", copies / name, lanes[name])

    def await_loss(self, what, worker, page, since, num_lanes):
        """Until it runs no lane, and has not for three seconds."""
        quiet_since = None
        while quiet_since is None or time.monotonic() - quiet_since < 3:
            self.series.follower.look(0.1)
            if not worker.alive:
                raise Failure(f"{what}: it has ended:\n{worker.output}")
            waiting, running = self.phases(page)
            if waiting < num_lanes or running:
                quiet_since = None
            elif quiet_since is None:
                quiet_since = time.monotonic()
            if time.monotonic() - since > BOUND_S + 3:
                raise Failure(f"{what}: {waiting} of {num_lanes} lanes wait, {running} run:\n{worker.output}")

    @staticmethod
    def phases(page):
        """How many lanes wait, and how many run or are being taken."""
        try:
            with urllib.request.urlopen(page, timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except (urllib.error.URLError, OSError):
            return 0, 0
        now = [line for line in lines if line.startswith("streamml_lane_phase{") and line.endswith(" 1")]
        return (sum('phase="waiting"' in line for line in now),
                sum(f'phase="{phase}"' in line for line in now for phase in ("running", "taking")))

    def coordinators(self):
        self.replace("coordinators", lambda: None, lambda: None)

    def late(self):
        """Its workers are still there when the second one begins."""
        first = self.series.cluster.process
        self.replace("late", lambda: first.send(signal.SIGSTOP), lambda: first.send(signal.SIGCONT))

    def replace(self, what, before, after):
        """Who was started last has the lanes; the other one says so and ends, and so do its workers."""
        old, self.num_others = self.series.cluster, self.num_others + 1
        places = Elsewhere(self.series.job, self.network, f"{self.series.name}-other-{self.num_others}", 3)
        lanes, since = list(self.journals.moments), time.monotonic()
        before()
        self.series.cluster = places.cluster(self.series.job, f"{self.series.name}-{self.num_others}")
        self.series.others.append(old)
        self.series.cluster.start(2)
        self.status = self.series.cluster.await_settled(2, f"{what}: start of the second")
        after()
        code = old.process.wait(LOSER_S)
        if code is None or code == 0 or "another coordinator" not in old.process.output:
            raise Failure(f"{what}: the first coordinator has exit code {code}:\n{old.process.output}\n"
                          f"and the second:\n{self.series.cluster.process.output}")
        self.settle(what, 2, since, lanes)
        self.places = places


class Series(cluster_job.Series):
    """With clusters that were replaced."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.others = []

    def run(self, script):
        try:
            super().run(script)
        finally:
            for cluster in self.others:
                cluster.end()


TRIALS = ("cut", "deaf", "stopped", "stale", "twin", "coordinators", "late")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", default=",".join(TRIALS))
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=NUM_ROWS)
    parser.add_argument("--build", default=str(HERE.parents[1] / "build/release"))
    parser.add_argument("--keep", action="store_true", help="keep the folder also when all is well")
    arguments = parser.parse_args()
    arguments.trials = arguments.trials.split(",")
    wrong = set(arguments.trials) - set(TRIALS)
    if wrong:
        parser.error(f"--trials: {', '.join(sorted(wrong))}; there are {', '.join(TRIALS)}")
    return arguments


def run_all(arguments, folder, network):
    # It is never killed here, and need not come back quickly; on a busy machine it misses its own heartbeats then.
    calm = {"broker.session.timeout.ms": 9000, "broker.heartbeat.interval.ms": 2000}
    with Broker(host=netns.BROKER, enter=network.broker.inside([]), settings=calm) as broker:
        job = kill_job.Job(folder, arguments.build, broker, arguments.seed, arguments.rows, "apart")
        expected, seconds = kill_job.run_undisturbed(job)
        print(f"undisturbed: {expected['counts']['rows']} rows in {seconds:.1f} s", flush=True)
        all_at_once = [("all", arguments.trials, None)]
        apart = [(f"{name}-{number}", [name], random.Random(f"{arguments.seed} {name} {number}"))
                 for number in range(arguments.rounds) for name in arguments.trials]
        times = []
        for name, names, rng in apart or all_at_once:
            places = Elsewhere(job, network, name, 3)
            series = Series(job, name, expected, RATE, places.cluster(job, name))
            trials = Trials(series, network, places, rng)
            series.run(lambda _, trials=trials, names=names: trials.run(names))
            times += trials.times
    print(f"\n{'trial':<16}{'times':>6}   longest pause in s of lanes that were fought for, of the output: min / max")
    for trial in TRIALS:
        lanes, outputs = (sorted(row[part] for row in times if row[0] == trial) for part in (1, 2))
        if lanes:
            print(f"{trial:<16}{len(lanes):>6}   {lanes[0]:.2f} / {lanes[-1]:.2f}   {outputs[0]:.2f} / {outputs[-1]:.2f}")


def main():
    arguments = parse_arguments()
    try:
        netns.be_alone()
        network = netns.Network()
    except (netns.Unavailable, OSError) as error:
        print(f"SKIPPED: there are no network namespaces here, and nothing was tried: {error}", flush=True)
        return SKIPPED
    folder = pathlib.Path(tempfile.mkdtemp(prefix="streamml-owners-"))
    failed = True
    try:
        run_all(arguments, folder, network)
        failed = False
    except (Failure, wire.WireError) as failure:
        print(f"FAILED: {failure}", flush=True)
    finally:
        network.close()
        if failed or arguments.keep:
            for log in sorted(folder.glob("*/.streamml/workers/*.log")):
                print(f"--- {log}\n{log.read_text(errors='replace')[-4000:]}")
            print(f"kept: {folder}; again: --trials {','.join(arguments.trials)} --rounds {arguments.rounds} --seed {arguments.seed}")
        else:
            shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
