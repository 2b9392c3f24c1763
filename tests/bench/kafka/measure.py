"""What is measured of a running engine: CPU between two commits, delays, and whether two engines say the same."""

import json
import math
import pathlib
import subprocess
import time

import wire
from engines import NUM_PARTITIONS, EngineError

LOOK_S = 0.05
SILENCE_S = 300     # without output an engine is broken, also on a busy machine
TOLERANCE = 1e-9    # of doubles: sums are added, and taken back, in another order
NEARLY_ALL = 0.985  # of a source: what is behind may wait for the watermark


def committed(bench, topic):
    """Records that can be read in all partitions, and the markers between them: some 20 a second."""
    return sum(wire.ends(bench.broker.address, topic, NUM_PARTITIONS, committed=True).values())


class Mark:
    """A moment at which output was committed."""

    def __init__(self, engine, rows):
        self.time, self.rows = time.monotonic(), rows
        self.cpu, self.transactions = engine.cpu_seconds(), engine.num_transactions()


def watch(bench, engine, topic, stop):
    """Marks of all commits that are seen until stop(marks) says so."""
    marks, last_s = [], time.monotonic()
    while True:
        rows = committed(bench, topic)
        if rows > (marks[-1].rows if marks else 0):
            marks.append(Mark(engine, rows))
            last_s = time.monotonic()
        engine.cpu_seconds()  # or it has ended
        if stop(marks):
            return marks
        if time.monotonic() - last_s > SILENCE_S:
            raise EngineError(f"{engine.label} gave nothing for {SILENCE_S} s: {engine.output()[-3000:]}")
        time.sleep(LOOK_S)


def cost(bench, engine, topic, plan):
    """{"cpu": seconds per million rows read, "rate": rows per second, "transactions": per second}, from the first
    commit after the warm-up to the last one before the time, or the source, is over."""
    def stop(marks):
        if not marks:
            return False
        end = marks[0].time + plan.warm_s + plan.measure_s
        return time.monotonic() > end or marks[-1].rows > plan.num_rows * plan.share * NEARLY_ALL

    marks = watch(bench, engine, topic, stop)
    measured = [mark for mark in marks if mark.time >= marks[0].time + plan.warm_s]
    if len(measured) < 2:
        raise EngineError(f"{engine.label}: the source was read before the warm-up of {plan.warm_s} s was over, or "
                          f"nothing was committed after it: give more --rows ({marks[-1].rows} records committed)")
    first, last = measured[0], measured[-1]
    seconds, rows = last.time - first.time, (last.rows - first.rows) / plan.share
    if first.transactions is None:
        transactions = len(measured) - 1
    else:
        transactions = last.transactions - first.transactions
    return {"cpu": 1e6 * (last.cpu - first.cpu) / rows, "rate": rows / seconds, "seconds": seconds,
            "busy": (last.cpu - first.cpu) / seconds, "transactions": transactions / seconds}


def delay(bench, plan, source, sink):
    """What `kafka_bench delay` prints."""
    outcome = subprocess.run([bench.tool, "delay", "--brokers", bench.broker.address, "--from", source, "--to", sink,
                              "--rate", str(plan.rate), "--warm", str(plan.warm_s), "--seconds", str(plan.measure_s),
                              "--patience", str(plan.patience_s)], stdout=subprocess.PIPE, text=True, check=False)
    if outcome.returncode != 0:
        raise EngineError("kafka_bench delay failed; the reason is above")
    return json.loads(outcome.stdout)


# ---- the same results

def results(bench, topic):
    """{id: record}, of what is committed. A record that came twice is an error."""
    folder = bench.new_folder("drain")
    subprocess.run([bench.load, "drain", "--brokers", bench.broker.address, "--topic", topic, "--out", folder],
                   check=True, stdout=subprocess.DEVNULL)
    found = {}
    for path in pathlib.Path(folder).glob("*.tsv"):
        for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
            record = json.loads(line.split("\t")[4].replace("\\\\", "\\"))
            if found.setdefault(record["id"], record) is not record:
                raise EngineError(f"topic {topic} has {record['id']} twice")
    return found


def _same(left, right):
    if isinstance(left, bool) or isinstance(right, bool) or isinstance(left, str):
        return left == right
    return left is right or (None not in (left, right) and math.isclose(left, right, rel_tol=TOLERANCE))


def difference(expected, seen):
    """The first difference of two results for people; empty when there is none."""
    for name in sorted(expected.keys() ^ seen.keys())[:1]:
        return f"{len(expected)} rows and {len(seen)} rows; {name} is in one of them only"
    for name, record in expected.items():
        other = seen[name]
        if record.keys() != other.keys() or not all(_same(record[key], other[key]) for key in record):
            return f"{record} and {other}"
    return ""
