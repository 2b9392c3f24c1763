#!/usr/bin/env python3
"""cluster_test.py [--build DIR] [--keep]: `streamml cluster` on a real broker.

The job of kill_job.py runs in several workers while rows come in: 2 -> 3 -> 1 workers and a kill -9 of one, then an upgrade
and one that is taken back, then with standbys a kill -9 of an owner, a worker that stands still, a kill -9 of the broker and of the coordinator, and the loss
of all that coordinator and workers keep. Committed output, digests, counts and part files are those of an undisturbed
`streamml run`, and `streamml replay --all` passes. How long outputs paused is printed.
"""

import argparse
import os
import pathlib
import shutil
import signal
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
from broker import Broker  # noqa: E402
from cluster_job import Failure, owner_of  # noqa: E402

NUM_ROWS = 16000
RATE = 400  # rows per second, while things happen


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


def upgrade(series):
    """To another build, which is the same one elsewhere; then to ones that cannot run lanes."""
    cluster, job = series.cluster, series.job
    new = job.folder / f"new-{series.name}"
    new.mkdir()
    for name in ("streamml", "streamml-worker"):
        shutil.copy2(job.streamml.with_name(name), new / name)
    cluster.start(2)
    cluster.await_settled(2, "start of 2")
    series.await_output()
    started = time.monotonic()
    answer = cluster.ask("--upgrade", new / "streamml")
    if answer.returncode != 0 or "all lanes run with" not in answer.stdout:
        raise Failure(f"--upgrade: {answer.returncode}, {answer.stdout}{answer.stderr}")
    status = cluster.await_settled(2, "upgrade")
    series.watched("upgrade", 1, started)
    programs = {os.readlink(f"/proc/{worker['observation']['worker']['pid']}/exe") for worker in status["workers"]}
    if programs != {str((new / "streamml-worker").resolve())}:
        raise Failure(f"workers run {programs}")
    bad = job.folder / f"bad-{series.name}"
    bad.mkdir()
    (bad / "streamml-worker").write_text("#!/bin/sh\necho it cannot run; exit 1\n", encoding="ascii")
    (bad / "streamml-worker").chmod(0o755)
    started = time.monotonic()
    answer = cluster.ask("--upgrade", bad / "streamml")
    if answer.returncode == 0 or "taken back" not in answer.stderr:
        raise Failure(f"--upgrade to what cannot run: {answer.returncode}, {answer.stdout}{answer.stderr}")
    cluster.await_settled(2, "upgrade to what cannot run")
    series.watched("upgrade to what cannot run", 1, started)


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
            expected, _ = kill_job.run_undisturbed(job)
            cluster_job.Series(job, "resized", expected, RATE).run(resize_and_kill)
            cluster_job.Series(job, "upgraded", expected, RATE).run(upgrade)
            cluster_job.Series(job, "stood-by", expected, RATE).run(standby_and_coordinator)
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
