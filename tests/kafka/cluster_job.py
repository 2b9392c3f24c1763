"""`streamml cluster` of the job of kill_job.py, as several tests need it: its commands and status, how long lanes and
outputs pause, and that what it left is what an undisturbed `streamml run` of the same rows left."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import kill_job
import wire
from kill_job import Failure

PATIENCE_S = 60
JOURNAL = "streamml.kill.1.journal"


class Cluster:
    """`streamml cluster` of one job with one data folder."""

    def __init__(self, job, data, program=None, environment=None, commits=kill_job.COMMIT_OFTEN):
        """program: instead of the job's; environment: for it, beside ours; commits: flags, how often."""
        self.job, self.data, self.process = job, data, None
        self._program, self._environment, self._commits = program or job.streamml, environment, commits

    def start(self, workers, *flags):
        command = [self._program, "cluster", "job.yaml", "--workers", workers, "--data-dir", self.data, *self._commits,
                   *flags]
        self.process = kill_job.Worker(command, self.job.folder, self._environment)

    def ask(self, *flags):
        return subprocess.run([self.job.streamml, "cluster", "job.yaml", "--data-dir", self.data, *map(str, flags)],
                              cwd=self.job.folder, capture_output=True, text=True, timeout=90, check=False)

    def status(self):
        """None while it cannot be asked."""
        answer = self.ask("--status", "--json")
        if answer.returncode == 0:
            return json.loads(answer.stdout)
        print(f"  --status: {answer.stderr.strip()}", file=sys.stderr, flush=True)
        return None

    def await_epoch(self, old, look=lambda: time.sleep(0.05)):
        """Until it has assigned anew."""
        end = time.monotonic() + PATIENCE_S
        while True:
            status = self.status()
            if status and status["epoch"] != old["epoch"]:
                return
            if time.monotonic() > end:
                raise Failure(f"it assigns nothing anew: {status}\n{self.process.output}")
            look()

    def await_settled(self, workers, what):
        """The status when all lanes run where they shall; and how long that took."""
        started = time.monotonic()
        while time.monotonic() - started < PATIENCE_S:
            if not self.process.alive:
                raise Failure(f"{what}: the coordinator has ended:\n{self.process.output}")
            status = self.status()
            if status and status["settled"] and len(status["workers"]) == workers:
                print(f"  {what}: settled after {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
                return status
            time.sleep(0.1)
        raise Failure(f"{what}: not settled after {PATIENCE_S} s: {status}\n{self.process.output}")

    def stop(self):
        if self.ask("--stop").returncode != 0 or self.process.wait(40) != 0:
            raise Failure(f"the cluster does not stop in order:\n{self.process.output}")

    def end(self):
        if self.process:
            self.process.end()


def owner_of(status, lane):
    for worker in status["workers"]:
        for facts in worker["observation"]["lanes"]:
            if facts["name"] == lane and facts["phase"] == "PHASE_RUNNING":
                return worker
    raise Failure(f"nobody runs lane {lane}: {status}")


def longest_gap(follower, since_s):
    """Until now."""
    moments = [since_s, *(moment for moment, _, _ in follower.arrivals if moment > since_s), time.monotonic()]
    return max((later - earlier for earlier, later in zip(moments, moments[1:])), default=0.0)


class Journals:
    """When the journal of each lane grew, as a thread sees it that looks every few milliseconds. A journal is written by
    nobody but the lane's owner."""

    def __init__(self, address, look_s=0.01):
        self._connection, self._look_s, self._stop = wire.Connection(address), look_s, threading.Event()
        self.moments = {lane: [] for lane in range(kill_job.NUM_LANES)}
        self._ends = {lane: [] for lane in self.moments}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        last = {}
        while not self._stop.wait(self._look_s):
            try:
                ends = wire.ends(self._connection, JOURNAL, kill_job.NUM_LANES)
            except wire.WireError:  # no broker for a moment
                continue
            now = time.monotonic()
            for lane, end in ends.items():
                if last.get(lane) != end:
                    self._ends[lane].append(end)
                    self.moments[lane].append(now)
            last = ends

    def longest_gap(self, lane, since, until, within=0):
        """With at most so many commits within it."""
        moments = [since, *(moment for moment in list(self.moments[lane]) if since < moment < until), until]
        step = min(1 + within, len(moments) - 1)
        return max(later - earlier for earlier, later in zip(moments, moments[step:]))

    def output_after(self, lane, since):
        """When the lane committed again after its owner died at `since`; now, if it has not. Each transaction is two
        offsets, a record and its mark: the new owner's claim is one, which puts out nothing."""
        seen = list(zip(list(self.moments[lane]), self._ends[lane]))
        before = max((end for moment, end in seen if moment <= since), default=0)
        return next((moment for moment, end in seen if moment > since and end >= before + 4), time.monotonic())

    def gaps(self):
        """Of all lanes, so far."""
        return [later - earlier for moments in self.moments.values() for earlier, later in zip(moments, moments[1:])]

    def close(self):
        self._stop.set()
        self._thread.join()
        self._connection.close()


class Series:
    """Things that happen to a cluster while rows come in; then all is compared with the undisturbed run."""

    def __init__(self, job, name, expected, rate, cluster=None):
        self.job, self.name, self.expected, self.rate = job, name, expected, rate
        self.cluster = cluster or Cluster(job, name)
        self.follower = self.filling = None

    def await_output(self):
        """The first windows are complete, and results come steadily."""
        end = time.monotonic() + PATIENCE_S
        while self.follower.total < 500 and time.monotonic() < end:
            self.follower.look(0.1)

    def watched(self, what, seconds, started=None):
        """Lets it run for so long, and tells the longest time without output."""
        started = started or time.monotonic()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.follower.look(0.05)
        print(f"  {what}: longest time without committed output {longest_gap(self.follower, started):.2f} s", flush=True)

    def run(self, script):
        print(f"{self.name}:", flush=True)
        self.job.reset()
        self.filling = self.job.fill(self.rate)
        self.follower = kill_job.Follower(self.job.load, self.job.broker.address, kill_job.SINKS[0])
        try:
            script(self)
            self.finish()
        finally:
            for process in (self.filling, self.cluster):
                process.end()
            self.follower.close()

    def finish(self):
        expected = sum(map(len, self.expected["topics"][kill_job.SINKS[0]]))
        come, end = 0, time.monotonic() + PATIENCE_S
        while self.follower.total < expected:
            self.follower.look(0.2)
            if self.follower.total > come:  # rows may still be coming in
                come, end = self.follower.total, time.monotonic() + PATIENCE_S
            elif time.monotonic() > end:
                raise Failure(f"{self.follower.total} of {expected} records have come:\n{self.cluster.process.output}")
        time.sleep(1)  # what comes too much comes now
        self.cluster.stop()
        left = [path for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if self.is_worker(path)]
        if left:
            raise Failure(f"workers are left running: {left}")
        self.compare()

    def is_worker(self, path):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            return False
        return words[0].endswith(b"streamml-worker") and self.name.encode() in b" ".join(words)

    def compare(self):
        """`run` goes on where the cluster stopped: its summary has the digests. Then a clean replay."""
        journal = self.job.journal_ends()
        run = self.job.run(self.name)
        end = time.monotonic() + PATIENCE_S
        while not all(now > journal[lane] for lane, now in self.job.journal_ends().items()):
            if not run.alive or time.monotonic() > end:
                raise Failure(f"`run` does not go on where the cluster stopped:\n{run.output}")
            time.sleep(0.1)
        time.sleep(1)
        run.send(signal.SIGTERM)
        code = run.wait(30)
        run.end()
        if code != 0:
            raise Failure(f"`run` ended with exit code {code}:\n{run.output}")
        problem = kill_job.difference(self.expected, self.job.outcome(self.name), self.job.train)
        if problem:
            raise Failure(problem)
        code, output = self.job.replay(self.name)
        if code != 0 or "everything is equal" not in output:
            raise Failure(f"replay --all ended with exit code {code}:\n{output}")
        print("  equal to the undisturbed run, and replayed", flush=True)
