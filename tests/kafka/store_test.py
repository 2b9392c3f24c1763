#!/usr/bin/env python3
"""store_test.py [--build DIR] [--store URL] [--keep]: a job on Kafka whose snapshots are copied to a store.

The job of kill_job.py loses its data folder while rows come in, once after an orderly stop and once after a kill -9, and
goes on from the store, a folder unless --store names a bucket. The store is away for a while: the job says so and goes
on. Then its workers lose all that they keep. Committed output, digests and counts are those of an undisturbed run
without a store.
"""

import argparse
import pathlib
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
import cluster_job  # noqa: E402
import kill_job  # noqa: E402
from broker import Broker  # noqa: E402
from kill_job import Failure  # noqa: E402

NUM_ROWS = 12000
RATE = 600
PATIENCE_S = 60


def give_store(job, store):
    text = kill_job.manifest(job.broker.address, job.train).replace("  workers: {lanes: 3}\n",
                        f'  workers: {{lanes: 3}}\n  snapshots: {{store: "{store}", upload: 1s}}\n')
    (job.folder / "job.yaml").write_text(text, encoding="ascii")


def await_output(follower, more, worker):
    """Until so many records more have been committed."""
    wanted, end = follower.total + more, time.monotonic() + PATIENCE_S
    while follower.total < wanted:
        follower.look(0.1)
        if time.monotonic() > end or not worker.alive:
            raise Failure(f"{follower.total} of {wanted} records have come:\n{worker.output}")


def await_words(worker, words):
    end = time.monotonic() + PATIENCE_S
    while words not in worker.output:
        if time.monotonic() > end or not worker.alive:
            raise Failure(f"it does not say {words!r}:\n{worker.output}")
        time.sleep(0.1)


def check_restored(text):
    """All lanes began from a snapshot, none from the journal's beginning."""
    positions = [int(number) for number in re.findall(r"recovered from the snapshot at (\d+)", text)]
    if not positions or not all(positions):
        raise Failure(f"nothing was recovered from a snapshot:\n{text}")


def stop(worker):
    worker.send(signal.SIGTERM)
    if worker.wait(60) != 0:
        raise Failure(f"it does not stop in order:\n{worker.output}")


def lose_folders(job, follower):
    """The worker that runs after that."""
    worker = job.run("stored")
    await_output(follower, 1500, worker)
    for what, number in (("an orderly stop", signal.SIGTERM), ("a kill -9", signal.SIGKILL)):
        worker.send(number)
        worker.wait(60)
        if number == signal.SIGTERM and (worker.process.returncode != 0 or "this machine only" in worker.output):
            raise Failure(f"it does not stop in order:\n{worker.output}")
        job.forget("stored")
        worker = job.run("stored")
        await_output(follower, 1000, worker)
        check_restored(worker.output)
        print(f"  the data folder was lost after {what}: restored", flush=True)
    return worker


def lose_store(folder, follower, worker):
    """A store in a folder: something else stands in its place."""
    away = folder.with_name("away")
    folder.rename(away)
    folder.write_text("in the way", encoding="ascii")
    await_words(worker, "the store of snapshots does not take them")
    await_output(follower, 500, worker)
    folder.unlink()
    away.rename(folder)
    await_words(worker, "takes them again")
    print("  the store was away: told, and rows went on", flush=True)


def await_lag(cluster):
    """That of all lanes is known, and nothing waits to be read from the source once it is filled."""
    end = time.monotonic() + PATIENCE_S
    while True:
        lanes = [facts for worker in cluster.status()["workers"] for facts in worker["observation"]["lanes"]]
        lag = {facts["name"]: (facts.get("lagRows"), facts.get("lagSeconds")) for facts in lanes}
        known = all(None not in values for values in lag.values())
        if known and all(rows == "0" for name, (rows, _) in lag.items() if name.startswith("payments")):
            print(f"  lag: {lag}", flush=True)
            return
        if time.monotonic() > end:
            raise Failure(f"the lag of some lanes is not known, or does not go away: {lag}")
        time.sleep(0.3)


def lose_workers(job, follower):
    cluster = cluster_job.Cluster(job, "stored")
    try:
        cluster.start(2)
        cluster.await_settled(2, "start of 2")
        await_output(follower, 300, cluster.process)
        answer = cluster.ask("--snapshot")
        if answer.returncode != 0 or answer.stdout.count("snapshot at") != kill_job.NUM_LANES:
            raise Failure(f"--snapshot: {answer.stdout}{answer.stderr}")
        cluster.stop()
        shutil.rmtree(job.folder / "stored/.streamml")
        cluster.start(2)
        cluster.await_settled(2, "all that workers kept is lost")
        logs = "".join(path.read_text() for path in (job.folder / "stored/.streamml/workers").glob("*.log"))
        check_restored(logs)
        await_lag(cluster)
        print("  workers lost all that they kept: restored", flush=True)
        cluster.stop()
    finally:
        cluster.end()


def finish(job, follower, expected):
    worker = job.run("stored")
    wanted = sum(map(len, expected["topics"][kill_job.SINKS[0]]))
    end = time.monotonic() + PATIENCE_S
    while follower.total < wanted:
        follower.look(0.2)
        if time.monotonic() > end:
            raise Failure(f"{follower.total} of {wanted} records have come:\n{worker.output}")
    time.sleep(1)  # what comes too much comes now
    stop(worker)
    problem = kill_job.difference(expected, job.outcome("stored"), job.train)
    if problem:
        raise Failure(problem)
    print("  equal to the undisturbed run", flush=True)


def run(job, store):
    expected, _ = kill_job.run_undisturbed(job)
    job.reset()
    end = time.monotonic() + PATIENCE_S
    while not {"payments", *kill_job.SINKS} <= set(job.broker.topics()) and time.monotonic() < end:
        time.sleep(0.1)  # brokers know a new topic a moment after it was made
    give_store(job, store)
    filling = job.fill(RATE)
    follower = kill_job.Follower(job.load, job.broker.address, kill_job.SINKS[0])
    worker = None
    try:
        worker = lose_folders(job, follower)
        if store.startswith("/"):
            lose_store(pathlib.Path(store), follower, worker)
        stop(worker)
        lose_workers(job, follower)
        finish(job, follower, expected)
    finally:
        for process in (filling, worker):
            if process:
                process.end()
        follower.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(HERE.parents[1] / "build/release"))
    parser.add_argument("--store", help="s3://...; credentials from the environment")
    parser.add_argument("--keep", action="store_true", help="keep the folder also when all is well")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="streamml-store-"))
    failed = True
    try:
        with Broker() as broker:
            job = kill_job.Job(folder, arguments.build, broker, 1, NUM_ROWS, "apart")
            run(job, arguments.store or str(folder / "store"))
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
