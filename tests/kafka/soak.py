#!/usr/bin/env python3
"""soak.py [--minutes N] [--seed S] [--rate R] [--bounded-topics] [--build DIR]: `streamml cluster` for a long time.

The job of kill_job.py runs in one to three workers while rows come in steadily, and event time runs sixty times as fast as
the clock, so that the windows of an hour are full after a minute. At random moments workers and the coordinator are
killed, workers stand still for a moment, the cluster is resized and snapshots are asked for. In the first third of every
twenty minutes that may be anybody; then worker-0 and the coordinator are spared, whose memory and descriptors are
measured. At the end the output is that of an undisturbed run of the same rows, every row once, a clean replay passes,
and a table tells what was measured. A bound that does not hold, or anything else, gives exit code 1 and says why:

  memory       of who is spared grows by no more than 1 % in ten minutes, but for what chance explains (2 standard errors)
  descriptors  of who is spared, disk of the data folder: no more in the last third than in the first
  topics       journal and internal topics: the same with --bounded-topics (the job truncates them), else only told
"""

import argparse
import collections
import hashlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# pylint: disable=wrong-import-position
import cluster_job  # noqa: E402
import kill_job  # noqa: E402
import soak_gauges as gauges  # noqa: E402
import wire  # noqa: E402
from broker import Broker  # noqa: E402
from kill_job import Failure  # noqa: E402

PROJECT = HERE.parents[1]
SPEED = 60           # of event time
BLOCK_S = 1200       # with a time of mercy for worker-0 and the coordinator in it
WILD_SHARE = 1 / 3   # of a block, without mercy
SAMPLE_S = 2
TOPICS_S = 10        # between two looks at disk and topics
MAX_SILENT_S = 45    # without any output
MAX_UNSETTLED_S = 90
MIN_LIFE_S = 240     # of a process whose memory is judged
COMMITS = ("--commit-interval", "50ms", "--snapshot-interval", "5s")
OWN_TOPICS = "streamml.kill.1."
# kind: how often among all
EVENTS = {"kill a worker": 5, "resize": 4, "snapshot": 2, "stop a worker": 1, "kill the coordinator": 1}
MB = 1 << 20


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=400, help="rows per second")
    parser.add_argument("--bounded-topics", action="store_true", help="topics must not grow without end")
    parser.add_argument("--spec", default="", help="a line for the manifest's spec, such as 'replay: {keep: 5m}'")
    parser.add_argument("--build", default=str(PROJECT / "build/release"))
    return parser.parse_args()


class Soak:
    def __init__(self, arguments, job, tell):
        self.job, self.tell = job, tell
        self.rng = random.Random(f"soak {arguments.seed}")
        self.cluster = cluster_job.Cluster(job, "data", commits=COMMITS)
        self.minutes, self.rate, self.started = arguments.minutes, arguments.rate, time.monotonic()
        self.filling = self.follower = self.status = None
        self.counts = collections.Counter()
        self.workers = 2
        self.stopped = []                 # (when to go on, pid)
        self.unsettled_since = None
        self.samples = collections.defaultdict(list)  # (who, pid): samples
        self.disk, self.own_bytes, self.own_records, self.broker_bytes = [], [], [], []

    @property
    def seconds(self):
        return time.monotonic() - self.started

    # ---- what happens

    def run(self):
        self.filling = self.job.fill(self.rate)
        self.cluster.start(self.workers)
        self.status = self.cluster.await_settled(self.workers, "start")
        self.follower = kill_job.Follower(self.job.load, self.job.broker.address, kill_job.SINKS[0])
        self.follower.last_s = time.monotonic() + 60  # the first windows take a while
        next_event, next_topics, next_line = self.seconds + 15, 0, 60
        while self.filling.alive:
            self.sample()
            if self.seconds >= next_topics:
                self.measure_topics()
                next_topics = self.seconds + TOPICS_S
            if self.seconds >= next_event:
                self.befall()
                next_event = self.seconds + self.rng.uniform(6, 18)
            if self.seconds >= next_line:
                self.print_line()
                next_line += 60
            self.watch(SAMPLE_S)
        if self.filling.wait(0) != 0:
            raise Failure(f"kafka_load fill: {self.filling.output}")
        self.finish()

    def end(self):
        for process in (self.filling, self.cluster):
            if process:
                process.end()
        if self.follower:
            self.follower.close()

    def is_wild(self):
        """Nobody is spared."""
        block = min(BLOCK_S, self.minutes * 60)
        return self.seconds % block < block * WILD_SHARE

    def befall(self):
        kind = self.rng.choices(list(EVENTS), EVENTS.values())[0]
        if kind == "kill the coordinator" and not self.is_wild():
            kind = "resize"
        done = getattr(self, kind.replace(" ", "_"))()
        self.counts[kind] += 1
        self.tell(f"{kind}: {done}")

    def victims(self):
        """Processes of workers that may be hurt."""
        return [worker for worker in self.status["workers"]
                if worker["pid"] and (self.is_wild() or worker["name"] != "worker-0")]

    def hurt(self, number):
        victims = self.victims() if self.status else []
        if not victims:
            return "nobody to choose"
        victim = self.rng.choice(victims)
        try:
            os.kill(victim["pid"], number)
        except ProcessLookupError:
            return f"{victim['name']} has gone already"
        if number == signal.SIGSTOP:
            self.stopped.append((time.monotonic() + self.rng.uniform(1, 9), victim["pid"]))
        return victim["name"]

    def kill_a_worker(self):
        return self.hurt(signal.SIGKILL)

    def stop_a_worker(self):
        return self.hurt(signal.SIGSTOP)

    def kill_the_coordinator(self):
        self.cluster.process.send(signal.SIGKILL)
        self.cluster.process.wait(10)
        self.watch(self.rng.choice((0, 0.5, 3)))
        self.cluster.start(self.workers)
        return "started again"

    def resize(self):
        self.workers = self.rng.choice([number for number in (1, 2, 3) if number != self.workers])
        self.cluster.ask("--resize", self.workers)
        return self.workers

    def snapshot(self):
        try:
            answer = self.cluster.ask("--snapshot")
        except subprocess.TimeoutExpired:
            return "not done in time"
        return "taken" if answer.returncode == 0 else answer.stderr.strip().split("\n")[0][:100]

    def watch(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.follower.look(0.1)
            for entry in [entry for entry in self.stopped if entry[0] <= time.monotonic()]:
                self.stopped.remove(entry)
                try:
                    os.kill(entry[1], signal.SIGCONT)
                except ProcessLookupError:
                    pass  # the coordinator has killed it
        if time.monotonic() - self.follower.last_s > MAX_SILENT_S:
            raise Failure(f"no output for {MAX_SILENT_S} s: {self.status}\n{self.cluster.process.output[-4000:]}")

    # ---- what is measured

    def sample(self):
        if not self.cluster.process.alive:
            raise Failure(f"the coordinator has ended:\n{self.cluster.process.output[-4000:]}")
        self.status = self.cluster.status() or self.status
        settled = self.status["settled"]
        self.unsettled_since = None if settled else self.unsettled_since or time.monotonic()
        if not settled and time.monotonic() - self.unsettled_since > MAX_UNSETTLED_S:
            raise Failure(f"not settled for {MAX_UNSETTLED_S} s: {self.status}\n{self.cluster.process.output[-4000:]}")
        self.note("coordinator", self.status["pid"], self.status["numLanes"])
        for worker in self.status["workers"]:
            runs = sum(lane["phase"] == "PHASE_RUNNING" for lane in worker["observation"]["lanes"])
            if settled:
                self.note(worker["name"], worker["pid"], runs)

    def note(self, who, pid, load):
        memory, descriptors = gauges.memory_of(pid), gauges.descriptors_of(pid)
        if memory and descriptors:
            self.samples[who, pid].append(gauges.Sample(self.seconds, load, memory, descriptors))

    def measure_topics(self):
        self.disk.append(gauges.folder_bytes(self.job.folder / "data"))
        folder = self.job.broker.folder
        self.own_bytes.append(gauges.topic_bytes(folder, OWN_TOPICS))
        self.broker_bytes.append(gauges.topic_bytes(folder, ""))
        records = 0
        for topic, partitions in self.job.broker.topics().items():
            if topic.startswith(OWN_TOPICS):
                first, last = (wire.offsets(self.job.broker.address, topic, len(partitions), at) for at in (-2, -1))
                records += sum(last.values()) - sum(first.values())
        self.own_records.append(records)

    def print_line(self):
        newest = {who: samples[-1] for (who, _), samples in self.samples.items()}
        memory = ", ".join(f"{who} {sample.memory / MB:.0f}" for who, sample in sorted(newest.items()))
        self.tell(f"{self.follower.total} scores; MB: {memory}; data {self.disk[-1] / MB:.0f}, "
                  f"own topics {self.own_bytes[-1] / MB:.0f} with {self.own_records[-1]} records")

    # ---- the end

    def finish(self):
        """All rows are in. Killing is over; they come through, and the cluster stops."""
        for _, pid in self.stopped:
            self.hurt_no_more(pid)
        self.cluster.ask("--resize", 2)
        self.cluster.await_settled(2, "the end")
        journal, since, end = None, time.monotonic(), time.monotonic() + 120
        while time.monotonic() - since < 3:
            self.follower.look(0.1)
            ends = self.job.journal_ends()
            if ends != journal:
                journal, since = ends, time.monotonic()
            if time.monotonic() > end:
                raise Failure("it does not come to an end of what was fed")
        self.cluster.stop()

    @staticmethod
    def hurt_no_more(pid):
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def spared(self):
        """[(who, samples)]: whoever lived long enough to be judged."""
        long_ones = [(who, samples) for (who, _), samples in sorted(self.samples.items())
                     if who in ("worker-0", "coordinator") and samples[-1].seconds - samples[0].seconds > MIN_LIFE_S]
        return [(who, samples) for who, samples in long_ones if gauges.slope_of(samples)]

    def verdict(self, bounded_topics):
        """Prints the tables; what is wrong."""
        wrong, spared = [], self.spared()
        print(f"\n{'memory of who was spared':<28}{'from s':>8}{'to s':>8}{'mean MB':>9}{'in ten minutes':>22}{'points':>8}")
        for who, samples in spared:
            slope = gauges.slope_of(samples)
            mean = sum(sample.memory for sample in samples) / len(samples) / MB
            words = f"{slope.share:+.2%} +- {slope.error:.2%}"
            print(f"{who:<28}{samples[0].seconds:>8.0f}{samples[-1].seconds:>8.0f}{mean:>9.1f}{words:>22}{slope.points:>8}")
            if gauges.grows(slope):
                wrong.append(f"memory of {who} grows by {words} in ten minutes; allowed: {gauges.MAX_SLOPE:.0%}")
        if {who for who, _ in spared} != {"worker-0", "coordinator"}:
            wrong.append("worker-0 or the coordinator did not live long enough to be judged: more minutes")
        bounds = []
        for who, samples in spared:
            late = [sample.descriptors for sample in samples if sample.seconds > samples[0].seconds + gauges.WARM_UP_S]
            bounds.append((gauges.bound(f"descriptors of {who}", late, 1.25, 16), True))
        steady = len(self.disk) // 5  # windows fill up first
        bounds.append((gauges.bound("data folder, KB", [size // 1024 for size in self.disk[steady:]], 1.5, 16 << 10), True))
        bounds.append((gauges.bound("own topics, records", self.own_records[steady:], 1.5, 20000), bounded_topics))
        bounds.append((gauges.bound("own topics, KB", [size // 1024 for size in self.own_bytes[steady:]], 1.5, 64 << 10),
                       bounded_topics))
        bounds.append((gauges.bound("all topics, KB", [size // 1024 for size in self.broker_bytes[steady:]], 1.5, 0), False))
        print(f"\n{'':<28}{'first third':>14}{'last third':>14}{'most':>14}{'allowed':>14}")
        for row, counts in bounds:
            allowed = f"{row.allowed:.0f}" if counts else "-"
            print(f"{row.what:<28}{row.first:>14}{row.last:>14}{row.most:>14}{allowed:>14}")
            if counts and not row.ok:
                wrong.append(f"{row.what}: {row.last} in the last third, {row.first} in the first; allowed: {row.allowed:.0f}")
        print("\n" + ", ".join(f"{kind} {times}" for kind, times in sorted(self.counts.items())))
        return wrong


# ---- whether the output is right

def digest(job, topic):
    """{key: (records, hash of all its records in order)} and the ids that came twice; committed records only."""
    folder = job.folder / f"drained-{topic}"
    subprocess.run([job.load, "drain", "--brokers", job.broker.address, "--topic", topic, "--out", folder],
                   check=True, stdout=subprocess.DEVNULL)
    hashes, numbers = {}, collections.Counter()
    for path in sorted(folder.glob("*.tsv")):
        with open(path, encoding="utf-8", newline="\n") as lines:
            for line in lines:
                _, moment, key, _, value = line.rstrip("\n").split("\t")
                hashes.setdefault(key, hashlib.blake2b(digest_size=16)).update(f"{moment}\t{value}\n".encode())
                numbers[key] += 1
    shutil.rmtree(folder)
    return {key: (numbers[key], value.hexdigest()) for key, value in hashes.items()}


class Undisturbed:
    """The same job under another name, on the same rows, in one process."""

    def __init__(self, job):
        self._job = job
        text = (job.folder / "job.yaml").read_text(encoding="ascii").replace("metadata: {name: kill}", "metadata: {name: calm}")
        for sink in kill_job.SINKS:
            text = text.replace(f"topic: {sink}", f"topic: calm-{sink}")
            job.broker.create_topic(f"calm-{sink}", kill_job.NUM_PARTITIONS, {"retention.ms": -1})
        (job.folder / "calm.yaml").write_text(text, encoding="ascii")

    def run(self):
        follower = kill_job.Follower(self._job.load, self._job.broker.address, "calm-scores")
        worker = kill_job.Worker([self._job.streamml, "run", "calm.yaml", "--data-dir", "calm", "--summary", "calm.json"],
                                 self._job.folder)
        try:
            while follower.total == 0 or time.monotonic() - follower.last_s < 5:
                follower.look(0.2)
                if not worker.alive:
                    raise Failure(f"the undisturbed run has ended:\n{worker.output}")
            worker.send(signal.SIGTERM)
            if worker.wait(60) != 0:
                raise Failure(f"the undisturbed run does not end in order:\n{worker.output}")
        finally:
            worker.end()
            follower.close()


def check_output(job):
    """Raises Failure."""
    Undisturbed(job).run()
    for sink in kill_job.SINKS:
        expected, seen = digest(job, f"calm-{sink}"), digest(job, sink)
        if expected != seen:
            wrong = sorted(key for key in expected.keys() | seen.keys() if expected.get(key) != seen.get(key))
            raise Failure(f"topic {sink}: {len(wrong)} of {len(expected)} keys differ from the undisturbed run, such as "
                          f"{wrong[0]}: {seen.get(wrong[0])} and not {expected.get(wrong[0])}")
        print(f"{sink}: {sum(number for number, _ in seen.values())} records, equal to the undisturbed run", flush=True)
    code, output = job.replay("data-clean")
    if code != 0 or "everything is equal" not in output:
        raise Failure(f"replay --all ended with exit code {code}:\n{output}")
    print("replay --all: everything is equal", flush=True)


def soak(arguments, folder):
    """What is wrong."""
    num_rows = int(arguments.minutes * 60 * arguments.rate)
    with Broker(folder / "broker", full_speed=True) as broker:
        job = kill_job.Job(folder, arguments.build, broker, arguments.seed, num_rows, "apart",
                           hours=arguments.minutes * SPEED / 60)
        if arguments.spec:
            path = folder / "job.yaml"
            path.write_text(path.read_text(encoding="ascii") + f"  {arguments.spec}\n", encoding="ascii")
        job.reset()
        started = time.monotonic()
        run = Soak(arguments, job, lambda text: print(f"{time.monotonic() - started:7.1f} s  {text}", flush=True))
        try:
            try:
                run.run()
            finally:
                run.end()
            check_output(job)
        except Failure as failure:
            broker.kill()  # nobody needs it in order any more
            return [str(failure)]
        return run.verdict(arguments.bounded_topics)


def main():
    arguments = parse_arguments()
    folder = PROJECT / "build" / "soak" / f"seed-{arguments.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(f"seed {arguments.seed}, {arguments.minutes:g} minutes, {arguments.rate} rows/s", flush=True)
    try:
        wrong = soak(arguments, folder)
    except Failure as failure:
        wrong = [str(failure)]
    for reason in wrong:
        print(f"FAILED: {reason}", flush=True)
    if wrong:
        print(f"again: ./dev soak --minutes {arguments.minutes:g} --seed {arguments.seed}; kept: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
