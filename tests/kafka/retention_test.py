#!/usr/bin/env python3
"""retention_test.py [--build DIR] [--keep]: a job on Kafka that keeps two seconds of its past.

The job of kill_job.py runs with `replay: {keep: 2s}` and a store of snapshots while rows come in, and is killed at random
instants, which hits its deletion of records as anything else; now and then its data folder is lost too. Journal and
internal topics are cut all the while, the part that is left stays bounded, committed output, digests and counts are those
of an undisturbed run that keeps all, and a replay of what is left finds everything equal and says where it begins.
"""

import argparse
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# pylint: disable=wrong-import-position
import kill_job  # noqa: E402
import store_test  # noqa: E402
import wire  # noqa: E402
from broker import Broker  # noqa: E402
from kill_job import Failure  # noqa: E402

NUM_ROWS = 16000
RATE = 500
NUM_KILLS = 8
KEEP_S = 2
JOURNAL = "streamml.kill.1.journal"


def give_keep(job, store):
    store_test.give_store(job, store)
    path = job.folder / "job.yaml"
    path.write_text(path.read_text() + f"  replay: {{keep: {KEEP_S}s}}\n", encoding="ascii")


class Cuts:
    """What is left of the job's own topics."""

    def __init__(self, job):
        self.address = job.broker.address
        self.topics = {JOURNAL: kill_job.NUM_LANES}
        for name, partitions in wire.metadata(self.address)[1].items():
            if name.startswith("streamml.kill.1.") and not name.endswith((".dead", ".late")):
                self.topics[name] = len(partitions)
        self.most = 0  # records of the journal that were there at once, of the lane that had most

    def look(self):
        ends = wire.ends(self.address, JOURNAL, kill_job.NUM_LANES)
        begins = wire.offsets(self.address, JOURNAL, kill_job.NUM_LANES, -2)
        self.most = max(self.most, *(ends[lane] - begins[lane] for lane in ends))

    def check(self):
        for topic, partitions in self.topics.items():
            begins = wire.offsets(self.address, topic, partitions, -2)
            ends = wire.ends(self.address, topic, partitions)
            print(f"  {topic}: " + ", ".join(f"{begins[p]}..{ends[p]}" for p in begins), flush=True)
            whole = [p for p in begins if begins[p] == 0 and ends[p] > 0]
            if whole:
                raise Failure(f"partitions {whole} of {topic} were never cut")
        total = max(wire.ends(self.address, JOURNAL, kill_job.NUM_LANES).values())
        print(f"  at most {self.most} of {total} offsets of a journal were there at once", flush=True)
        if self.most > total / 2:
            raise Failure("the journal does not stay small")


def kill_often(job, follower, rng):
    """The worker that runs after that."""
    worker = job.run("kept")
    cuts = None
    for number in range(NUM_KILLS):
        store_test.await_output(follower, 900, worker)
        cuts = cuts or Cuts(job)
        end = time.monotonic() + rng.uniform(0, 0.6)
        while time.monotonic() < end:
            cuts.look()
        worker.send(signal.SIGKILL)
        worker.wait(60)
        if number % 3 == 2:
            job.forget("kept")
        worker = job.run("kept")
    return worker, cuts


def await_end(follower, expected, worker, cuts):
    wanted = sum(map(len, expected["topics"][kill_job.SINKS[0]]))
    end = time.monotonic() + store_test.PATIENCE_S
    while follower.total < wanted:
        follower.look(0.2)
        cuts.look()
        if time.monotonic() > end or not worker.alive:
            raise Failure(f"{follower.total} of {wanted} records have come:\n{worker.output}")
    time.sleep(1)  # what comes too much comes now


def check_replay(job):
    code, text = job.replay("kept")
    if code != 0:
        raise Failure(f"the replay ends with {code}:\n{text}")
    oldest = [int(position) for position in re.findall(r"journal positions (\d+) \(the oldest replayable\)", text)]
    print(f"  replayed from positions {oldest}", flush=True)
    if len(oldest) != kill_job.NUM_LANES or min(oldest) == 1 or "are kept no longer" not in text:
        raise Failure(f"the replay does not begin behind what was cut:\n{text}")


def run(job, store):
    expected, _ = kill_job.run_undisturbed(job)
    job.reset()
    end = time.monotonic() + store_test.PATIENCE_S
    while not {"payments", *kill_job.SINKS} <= set(job.broker.topics()) and time.monotonic() < end:
        time.sleep(0.1)  # brokers know a new topic a moment after it was made
    give_keep(job, store)
    filling = job.fill(RATE)
    follower = kill_job.Follower(job.load, job.broker.address, kill_job.SINKS[0])
    worker = None
    try:
        worker, cuts = kill_often(job, follower, random.Random(1))
        await_end(follower, expected, worker, cuts)
        store_test.stop(worker)
        cuts.check()
        problem = kill_job.difference(expected, job.outcome("kept"), job.train)
        if problem:
            raise Failure(problem)
        print("  equal to the undisturbed run", flush=True)
        check_replay(job)
    finally:
        for process in (filling, worker):
            if process:
                process.end()
        follower.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(HERE.parents[1] / "build/release"))
    parser.add_argument("--keep", action="store_true", help="keep the folder also when all is well")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="streamml-retention-"))
    failed = True
    try:
        with Broker() as broker:
            run(kill_job.Job(folder, arguments.build, broker, 1, NUM_ROWS, "apart"), str(folder / "store"))
        failed = False
    except Failure as failure:
        print(f"FAILED: {failure}", flush=True)
    finally:
        if failed or arguments.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
