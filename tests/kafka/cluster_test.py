#!/usr/bin/env python3
"""cluster_test.py [--build DIR] [--keep]: `streamml cluster` on a real broker.

The job of kill_job.py runs in several workers while rows come in: 2 -> 3 -> 1 workers and a kill -9 of one, then with
standbys a kill -9 of an owner, a worker that stands still, a kill -9 of the broker and of the coordinator, and the loss
of all that coordinator and workers keep. Committed output, digests, counts and part files are those of an undisturbed
`streamml run`, and `streamml replay --all` passes. How long outputs paused is printed.
"""

import argparse
import json
import os
import pathlib
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
import kill_job  # noqa: E402
from broker import Broker  # noqa: E402

NUM_ROWS = 16000
RATE = 400  # rows per second, while things happen
PATIENCE_S = 60


class Failure(Exception):
    """What went wrong, for people."""


class Cluster:
    """`streamml cluster` of one job with one data folder."""

    def __init__(self, job, data):
        self.job, self.data, self.process = job, data, None

    def start(self, workers, *flags):
        command = [self.job.streamml, "cluster", "job.yaml", "--workers", workers, "--data-dir", self.data,
                   *kill_job.COMMIT_OFTEN, *flags]
        self.process = kill_job.Worker(command, self.job.folder)

    def ask(self, *flags):
        return subprocess.run([self.job.streamml, "cluster", "job.yaml", "--data-dir", self.data, *map(str, flags)],
                              cwd=self.job.folder, capture_output=True, text=True, timeout=30, check=False)

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


class Series:
    def __init__(self, job, name, expected):
        self.job, self.name, self.expected = job, name, expected
        self.cluster = Cluster(job, name)
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
        self.filling = self.job.fill(RATE)
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
        end = time.monotonic() + PATIENCE_S
        while self.follower.total < expected:
            self.follower.look(0.2)
            if time.monotonic() > end:
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
        return words[0].endswith(b"streamml-worker") and f"{self.name}/".encode() in b" ".join(words)

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


def check_endpoints(status):
    address = status["workers"][0]["observation"]["worker"]["httpAddress"]
    for path, words in (("healthz", "ok"), ("readyz", "ok"), ("metrics", 'streamml_lane_phase{job="kill"')):
        try:
            with urllib.request.urlopen(f"http://{address}/{path}", timeout=5) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            text = error.read().decode()
        if words not in text:
            raise Failure(f"/{path} answers: {text}")


def resize_and_kill(series):
    cluster = series.cluster
    cluster.start(2)
    check_endpoints(cluster.await_settled(2, "start of 2"))
    series.await_output()
    series.watched("nothing happens", 2)
    started = time.monotonic()
    cluster.ask("--resize", 3)
    status = cluster.await_settled(3, "2 -> 3")
    series.watched("2 -> 3", 1, started)
    victim = owner_of(status, "payments[0]")
    started = time.monotonic()
    os.kill(victim["pid"], signal.SIGKILL)
    cluster.await_epoch(status)
    status = cluster.await_settled(3, "kill -9 of an owner")
    series.watched("kill -9 of an owner", 1, started)
    if next(worker["restarts"] for worker in status["workers"] if worker["name"] == victim["name"]) != 1:
        raise Failure(f"{victim['name']} was not started again: {status}")
    started = time.monotonic()
    cluster.ask("--resize", 1)
    cluster.await_settled(1, "3 -> 1")
    series.watched("3 -> 1", 1, started)


def standby_and_coordinator(series):
    cluster = series.cluster
    cluster.start(2, "--standby")
    status = cluster.await_settled(2, "start of 2 with standbys")
    series.await_output()
    for what, number in (("kill -9 of the model's owner", signal.SIGKILL), ("SIGSTOP of the model's owner", signal.SIGSTOP)):
        series.watched("nothing happens", 1)
        started = time.monotonic()
        os.kill(owner_of(status, "risk[0]" if "risk[0]" in str(status) else "features[0]")["pid"], number)
        cluster.await_epoch(status, lambda: series.follower.look(0.02))
        status = cluster.await_settled(2, what)
        series.watched(what, 1, started)
    series.job.broker.kill()
    series.watched("the broker is away", 4)
    series.job.broker.start()
    cluster.await_settled(2, "kill -9 of the broker")
    cluster.process.send(signal.SIGKILL)
    cluster.process.wait(10)
    cluster.start(2, "--standby")
    cluster.await_settled(2, "kill -9 of the coordinator")
    cluster.stop()
    shutil.rmtree(series.job.folder / cluster.data / ".streamml")
    cluster.start(2, "--standby")
    cluster.await_settled(2, "all that coordinator and workers keep is lost")


def run_undisturbed(job):
    job.reset()
    filling = job.fill()
    if filling.wait(120) != 0:
        raise Failure(f"kafka_load fill: {filling.output}")
    follower = kill_job.Follower(job.load, job.broker.address, kill_job.SINKS[0])
    worker = job.run("undisturbed")
    try:
        while follower.total == 0 or time.monotonic() - follower.last_s < 3:
            follower.look(0.2)
            if not worker.alive:
                raise Failure(f"the undisturbed run has ended:\n{worker.output}")
        worker.send(signal.SIGTERM)
        if worker.wait(20) != 0:
            raise Failure(f"the undisturbed run does not end in order:\n{worker.output}")
    finally:
        worker.end()
        follower.close()
    return job.outcome("undisturbed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(HERE.parents[1] / "build/release"))
    parser.add_argument("--keep", action="store_true", help="keep the folder also when all is well")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="streamml-cluster-"))
    failed = True
    try:
        with Broker() as broker:
            job = kill_job.Job(folder, arguments.build, broker, 1, NUM_ROWS, "apart")
            expected = run_undisturbed(job)
            Series(job, "resized", expected).run(resize_and_kill)
            Series(job, "stood-by", expected).run(standby_and_coordinator)
        failed = False
    except Failure as failure:
        print(f"FAILED: {failure}", flush=True)
    finally:
        if failed or arguments.keep:
            for log in sorted(folder.glob("*/.streamml/workers/*.log")):
                print(f"--- {log}\n{log.read_text(errors='replace')[-4000:]}")
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
