#!/usr/bin/env python3
"""kill_kafka.py [--kills N] [--seed S] [--build DIR]: kill -9 of a job on Kafka and of its broker, again and again.

The job reads three partitions in three lanes, has windows of an hour behind a re-key, a model that is trained apart
(--train inline: in the lane that scores), and two sinks that are topics. Rows come in at a rate, while the worker is killed inside calls of the client and at any time,
the broker is killed, the worker stands still while another one takes its place, and data folders are lost. After some
ten of these the job is let finish. Then its committed output is that of the undisturbed run record for record, the
dead letters and late rows are its own too, the digests of all lanes are equal (with --train asap and arrival: their numbers), and `streamml replay --all` in a clean process with an empty data folder passes.

Exit code 0 when nothing failed. The folder of a failed run is kept. Needs Kafka's jars: ./dev kafka-kill.
"""

import argparse
import pathlib
import shutil
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# pylint: disable=wrong-import-position
import kill_job  # noqa: E402
import kill_lives  # noqa: E402
from broker import Broker  # noqa: E402

PROJECT = HERE.parents[1]
NUM_ROWS = 20000
MIN_INSIDE_SHARE = 0.2  # of all kills, inside a transaction
MAX_FAILURES = 3


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=NUM_ROWS)
    parser.add_argument("--train", choices=sorted(kill_job.TRAIN), default="apart")
    parser.add_argument("--build", default=str(PROJECT / "build/release"))
    return parser.parse_args()


def deal(num_kills):
    """The kinds of each series."""
    kinds = [kill_lives.KINDS[i % len(kill_lives.KINDS)] for i in range(num_kills)]
    size = kill_lives.KILLS_PER_SERIES
    return [kinds[start:start + size] for start in range(0, num_kills, size)]


def print_table(counts, num_series):
    print(f"\n{'kind':<10}{'times':>6}")
    for kind, times in sorted(counts.kills.items()):
        print(f"{kind:<10}{times:>6}")
    print(f"{'all':<10}{sum(counts.kills.values()):>6}  in {num_series} series, {counts.passed} of them equal and replayed")
    print("\nof these:")
    for what, times in sorted(counts.found.items()):
        print(f"  {what:<50}{times:>5}")
    print(f"\n{'to the next committed output':<30}{'runs':>5}{'min':>8}{'p50':>8}{'p90':>8}{'max':>8}")
    for what, words in (("worker", "kill -9 of the worker"), ("folder", "the same, data folder lost"),
                        ("broker", "the broker serves again")):
        times = sorted(counts.back_s[what])
        if times:
            values = [times[0], times[len(times) // 2], times[len(times) * 9 // 10], times[-1]]
            print(f"{words:<30}{len(times):>5}" + "".join(f"{value:>6.2f} s" for value in values))


def run_all(arguments, job):
    """The number of series that failed."""
    expected, seconds = kill_job.run_undisturbed(job)
    records = {topic: sum(map(len, partitions)) for topic, partitions in expected["topics"].items()}
    records |= {topic: len(values) for topic, values in expected["rejects"].items()}
    if not all(records.values()):
        sys.exit(f"the undisturbed run has nothing in some topic: {records}")
    print(f"undisturbed: {expected['counts']['rows']} rows, {records} records, {seconds:.1f} s", flush=True)
    counts, failures = kill_lives.Counts(), []
    all_kinds = deal(arguments.kills)
    for number, kinds in enumerate(all_kinds):
        started = time.monotonic()

        def tell(text, number=number, started=started):
            print(f"  series {number} {time.monotonic() - started:6.1f} s  {text}", flush=True)

        kinds = list(kinds)
        kill_lives.random.Random(f"order {arguments.seed} {number}").shuffle(kinds)
        try:
            kill_lives.Series(job, number, arguments.seed, counts, expected, tell).run(kinds)
            counts.passed += 1
            tell("equal and replayed")
        except kill_job.Failure as failure:
            failures.append(f"series {number}: {failure}")
            tell(f"FAILED {failure}")
            if len(failures) >= MAX_FAILURES:
                break
    print_table(counts, len(all_kinds))
    done, inside = sum(counts.kills.values()), counts.found["inside a transaction, by one of these"]
    if not failures and inside < MIN_INSIDE_SHARE * done:
        failures.append(f"only {inside} of {done} kills fell inside a transaction")
    for failure in failures:
        print(f"\nFAILED {failure}")
    print(f"\n{counts.passed} passed, {len(failures)} failed (seed {arguments.seed})")
    return len(failures)


def main():
    arguments = parse_arguments()
    folder = PROJECT / "build" / "kafka-kill" / f"seed-{arguments.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(f"seed {arguments.seed}, {arguments.kills} kills, {arguments.rows} rows, train {arguments.train}", flush=True)
    with Broker() as broker:
        try:
            failed = run_all(arguments, kill_job.Job(folder, arguments.build, broker, arguments.seed, arguments.rows,
                                                     arguments.train))
        except kill_job.Failure as failure:
            print(f"FAILED {failure}")
            failed = 1
    if failed:
        print(f"again: ./dev kafka-kill --seed {arguments.seed} --kills {arguments.kills} --train {arguments.train}; data in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
