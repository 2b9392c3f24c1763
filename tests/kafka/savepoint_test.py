#!/usr/bin/env python3
"""savepoint_test.py [--build DIR] [--train apart|asap|inline] [--keep]: savepoints of a job on a real broker.

Of the job of kill_job.py, in three workers and under load, two savepoints are taken: one in a folder, one in a bucket of
an S3 server of the test's own. Then it goes on to its end. Each is restored: the one in the folder on 1, 2 and 3 workers
(copies of it, each under an identity of its own), the one in the bucket on 2. In event order what they write is what the
first job wrote after the savepoint, record for record, the same on any number of workers; states and counts are the same
in the end, so that no row was lost or learned twice. Restoring once more goes on, and a savepoint that is not there is
refused.
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

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "worker/state/store"))

# pylint: disable=wrong-import-position
import cluster_job  # noqa: E402
import kill_job  # noqa: E402
import s3_server  # noqa: E402
import wire  # noqa: E402
from broker import Broker  # noqa: E402
from cluster_job import Failure  # noqa: E402

NUM_ROWS = 6000
RATE = 400
PATIENCE_S = 90
BUCKET = ("testbucket", "testkey", "test/secret+key")


def write_manifest(job, identity=None, restore=None):
    text = kill_job.manifest(job.broker.address, job.train)
    if identity:
        text += f"  identity: {identity}\n"
    if restore:
        text += f'  restoreFrom: {{savepoint: {restore[0]}, store: "{restore[1]}"}}\n'
    (job.folder / "job.yaml").write_text(text, encoding="ascii")


def savepoint(job, *flags):
    return subprocess.run([job.streamml, "savepoint", "job.yaml", *flags], cwd=job.folder, capture_output=True, text=True,
                          timeout=120, check=False)


def take(job, name, store, data):
    began = time.monotonic()
    answer = savepoint(job, name, "--store", store, "--data-dir", data)
    if answer.returncode != 0:
        raise Failure(f"savepoint {name}: {answer.stdout}{answer.stderr}")
    print(f"  {answer.stdout.strip()} after {time.monotonic() - began:.1f} s", flush=True)


def await_total(follower, wanted, process):
    end = time.monotonic() + PATIENCE_S
    while follower.total < wanted:
        follower.look(0.1)
        if time.monotonic() > end or not process.alive:
            raise Failure(f"{follower.total} of {wanted} records have come:\n{process.output}")


def await_quiet(job, seconds=4):
    """Until nothing has been written to the sinks for a while."""
    last, since = None, time.monotonic()
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() - since < seconds:
        ends = [wire.ends(job.broker.address, topic, kill_job.NUM_PARTITIONS) for topic in kill_job.SINKS]
        if ends != last:
            last, since = ends, time.monotonic()
        if time.monotonic() > end:
            raise Failure("it does not come to an end")
        time.sleep(0.2)


def ends_of(job, data):
    """States and counts of all lanes, from the summary of a run that has nothing left to do."""
    run = job.run(data)
    end = time.monotonic() + PATIENCE_S
    time.sleep(3)
    run.send(signal.SIGTERM)
    if run.wait(end - time.monotonic()) != 0:
        raise Failure(f"run does not stop in order:\n{run.output}")
    summary = json.loads((job.folder / f"{data}.json").read_text(encoding="utf-8"))
    for stage in summary["stages"]:
        stage["processed"] = stage.pop("read") - stage.pop("held")
    return ({lane["name"]: (lane["stateDigest"], lane["watermark"]) for lane in summary["lanes"]},
            {name: summary[name] for name in ("rows", "late", "dead", "stages", "models", "accounting")})


def by_key(job):
    """{topic: {key: [record]}} of what is committed."""
    topics = {}
    for topic in kill_job.SINKS:
        keys = topics.setdefault(topic, {})
        for partition in job.drain(topic):
            for record in partition:
                keys.setdefault(record[1], []).append(record)
    return topics


def renew_sinks(job):
    wire.delete_topics(job.broker.address, list(kill_job.SINKS))
    end = time.monotonic() + PATIENCE_S
    while set(kill_job.SINKS) & set(job.broker.topics()) and time.monotonic() < end:
        time.sleep(0.1)
    for name in kill_job.SINKS:
        job.broker.create_topic(name, kill_job.NUM_PARTITIONS, {"retention.ms": -1})


def check_rest(expected, seen, what):
    """All that was written is the end of what the first job wrote, key by key."""
    for topic, keys in seen.items():
        for key, records in keys.items():
            whole = expected[topic].get(key, [])
            if records != whole[len(whole) - len(records):]:
                raise Failure(f"{what}: topic {topic}, key {key}: {len(records)} records are not the end of {len(whole)}")
    count = sum(len(records) for records in seen["scores"].values())
    if count == 0:
        raise Failure(f"{what}: nothing was written")
    return count


def restore(job, what, workers, expected):
    renew_sinks(job)
    cluster = cluster_job.Cluster(job, f"again-{what}")
    try:
        cluster.start(workers)
        cluster.await_settled(workers, f"restored as {what}")
        await_quiet(job)
        cluster.stop()
        seen = by_key(job)
        ends = ends_of(job, f"run-{what}")
    finally:
        cluster.end()
    if job.train != "asap":
        count = check_rest(expected[0], seen, what)
        if ends != expected[1]:
            raise Failure(f"{what}: in the end {ends} and not {expected[1]}")
        print(f"  {what}: {count} scores, the first job's last ones; equal ends", flush=True)
    elif not ends[1]["accounting"]["addsUp"] or ends[1]["rows"] != expected[1][1]["rows"]:
        raise Failure(f"{what}: {ends[1]} and not {expected[1][1]}")
    return seen


def run(job, bucket):
    store = str(job.folder / "store")
    job.reset()
    filling = job.fill(RATE)
    follower = kill_job.Follower(job.load, job.broker.address, kill_job.SINKS[0])
    cluster = cluster_job.Cluster(job, "first")
    try:
        cluster.start(3)
        cluster.await_settled(3, "start")
        await_total(follower, 600, cluster.process)
        take(job, "live", store, "first")
        await_total(follower, follower.total + 300, cluster.process)
        take(job, "bucket", bucket, "first")
        filling.wait(PATIENCE_S)
        await_quiet(job)
        cluster.stop()
    finally:
        filling.end()
        cluster.end()
        follower.close()
    expected = by_key(job), ends_of(job, "run-first")
    answer = savepoint(job, "--list", "--store", store)
    if "live  20" not in answer.stdout:
        raise Failure(f"--list: {answer.stdout}{answer.stderr}")
    outputs = []
    for workers in (1, 2, 3):
        identity = f"kill-{workers}"
        shutil.copytree(f"{store}/kill/savepoints", f"{store}/{identity}/savepoints")
        write_manifest(job, identity, ("live", store))
        outputs.append(restore(job, f"folder-{workers}", workers, expected))
    if job.train != "asap" and not outputs[0] == outputs[1] == outputs[2]:
        raise Failure("what was written depends on the number of workers")
    write_manifest(job, None, ("bucket", bucket))
    restore(job, "bucket-2", 2, expected)
    if "streamml.kill.2.journal" not in job.broker.topics():
        raise Failure(f"no new incarnation: {job.broker.topics()}")
    # The journal says that it began from there: with the savepoint gone, or not named, it goes on.
    answer = savepoint(job, "--remove", "bucket", "--store", bucket)
    if answer.returncode != 0:
        raise Failure(f"--remove: {answer.stderr}")
    ends_of(job, "run-bucket-2")
    write_manifest(job)
    ends_of(job, "run-bucket-2")
    write_manifest(job, "kill-4", ("live", store))
    answer = subprocess.run([job.streamml, "run", "job.yaml", "--data-dir", "none"], cwd=job.folder, capture_output=True,
                            text=True, timeout=60, check=False)
    if answer.returncode != 2 or "savepoint 'live'" not in answer.stderr:
        raise Failure(f"a savepoint that is not there: {answer.returncode}, {answer.stderr}")
    print("  a removed savepoint is not needed any more, and one that is not there is refused", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(HERE.parents[1] / "build/release"))
    parser.add_argument("--train", default="apart", choices=sorted(kill_job.TRAIN))
    parser.add_argument("--keep", action="store_true", help="keep the folder also when all is well")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="streamml-savepoint-"))
    (folder / "s3").mkdir()
    server = s3_server.start(*BUCKET, str(folder / "s3"))
    os.environ |= {"AWS_ACCESS_KEY_ID": BUCKET[1], "AWS_SECRET_ACCESS_KEY": BUCKET[2], "no_proxy": "*"}
    bucket = f"s3://{BUCKET[0]}/jobs?endpoint=http://127.0.0.1:{server.server_address[1]}"
    failed = True
    try:
        with Broker() as broker:
            job = kill_job.Job(folder, arguments.build, broker, 1, NUM_ROWS, arguments.train)
            run(job, bucket)
        failed = False
    except Failure as failure:
        print(f"FAILED: {failure}", flush=True)
    finally:
        server.shutdown()
        if failed or arguments.keep:
            for log in sorted(folder.glob("*/.streamml/workers/*.log")):
                print(f"--- {log}\n{log.read_text(errors='replace')[-3000:]}")
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
