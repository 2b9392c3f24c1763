"""The job on Kafka that is killed: three source partitions, windows of an hour behind a re-key, a model that is trained
apart or inline, two sinks that are topics. Its rows, its manifest, its processes, and what a stopped run left."""

import json
import os
import pathlib
import random
import select
import shutil
import signal
import subprocess
import time

import wire

MANIFEST = """\
apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: kill}
spec:
  clusters: [{name: main, kafka: {brokers: "BROKERS"}}]
  log: {cluster: main, partitions: 3}
  sources:
  - name: payments
    topic: payments
    cluster: main
    format: json
    columns:
    - {name: id, type: text}
    - {name: card, type: text}
    - {name: shop, type: text}
    - {name: amount, type: double precision}
    - {name: divisor, type: bigint}
    - {name: at, type: timestamp, unit: ms}
    - {name: fraud, type: boolean}
    watermark: {column: at, delay: 5s}
  views:
  - name: features
    emit: EMIT
    sql: |
      SELECT id, card, shop, at, amount, 100 / divisor AS share, fraud,
             count(*) OVER recent AS payments, sum(amount) OVER recent AS total
      FROM payments WHERE amount IS NULL OR amount < 80000
      WINDOW recent AS (PARTITION BY shop ORDER BY at RANGE INTERVAL '1 hour' PRECEDING)
  models:
  - name: risk
    score: features
    train: {from: features, label: fraud, TRAIN}
    features:
      numeric: [amount, payments, total]
      scale: standard
      categorical: [{columns: [shop]}]
      hashBits: 8
    learner: {name: ftrl, parameters: {alpha: 0.1}}
    metrics: [logloss, auc, accuracy]
  sinks:
  - {name: scores, from: risk, cluster: main, topic: scores, key: [shop]}
  - {name: windows, sql: "SELECT id, shop, payments, total FROM features WHERE payments > 1", cluster: main,
     topic: windows, key: [shop]}
  workers: {lanes: 3}
"""
# How the model is trained. In event time every run gives the same scores (I2); as soon as possible, or where rows are
# answered as they arrive, only replay does (I1).
TRAIN = {"apart": "mode: async, adopt: {policy: eventTime, every: 2m, lag: 5m}",
         "asap": "mode: async, adopt: {policy: asap, every: 1m}",
         "arrival": "mode: async, adopt: {policy: asap, every: 1m}",
         "inline": "mode: inline"}
NUM_LANES = 7  # of sources, of windows, of the model or its trainer
NUM_PARTITIONS = 3
SINKS = ("scores", "windows")  # by several lanes, each with keys of its own
# Rows that are no results: one partition each, written by all lanes of a stage.
REJECTS = ("streamml.kill.1.payments.dead", "streamml.kill.1.payments.late", "streamml.kill.1.features.dead")
TRANSACTIONAL_IDS = [f"streamml.kill.1.lane-{lane}" for lane in range(NUM_LANES)]
TRANSACTION_TIMEOUT_S = 10
COMMIT_OFTEN = ("--commit-rows", "64", "--commit-interval", "20ms", "--snapshot-interval", "300ms")


class Failure(Exception):
    """What went wrong, for people."""


def manifest(address, train):
    emit = "arrival" if train == "arrival" else "watermark"
    return MANIFEST.replace("BROKERS", address).replace("TRAIN", TRAIN[train]).replace("EMIT", emit)


def make_record(rng, time_ms, name):
    """Mostly good; sometimes dead, late, without a value, or failing in an operator."""
    if rng.randrange(30) == 0:
        time_ms -= 5000 + rng.randrange(20000)
    amount = None if rng.randrange(20) == 0 else rng.randrange(90000) + 0.25
    fraud = rng.randrange(90000) < (amount or 20000) / 2
    return {"id": name, "card": f"c{rng.randrange(500)}", "shop": f"s{rng.randrange(200)}",
            "amount": "oops" if rng.randrange(80) == 0 else amount, "divisor": rng.randrange(40), "at": time_ms,
            "fraud": fraud}


def make_rows(path, seed, num_rows, hours):
    """Event time runs about so many hours, and windows have one. The last rows stand far ahead, in every partition, and
    let the watermark pass all others."""
    rng = random.Random(seed)
    time_ms, step = 1772323200000, max(2, int(2 * hours * 3600000 / num_rows))
    with open(path, "w", encoding="ascii") as out:
        for row in range(num_rows):
            time_ms += rng.randrange(step)
            out.write(json.dumps(make_record(rng, time_ms, f"r{row}")) + "\n")
        for row in range(64):
            flush = {"id": f"end{row}", "card": f"c{row}", "shop": f"s{row}", "amount": 1.0, "divisor": 1,
                     "at": time_ms + 7200000, "fraud": False}
            out.write(json.dumps(flush) + "\n")


class Follower:
    """Committed records of a sink's topic, as they can be read."""

    def __init__(self, load, address, topic):
        self._process = subprocess.Popen([load, "follow", "--brokers", address, "--topic", topic],
                                         stdout=subprocess.PIPE, text=False, bufsize=0)
        self._rest = b""
        self.arrivals = []  # (monotonic seconds, partition, last offset)
        self.total = 0
        self.last_s = time.monotonic()

    def look(self, timeout_s=0.0):
        """Takes in what has come, waiting for it at most so long."""
        if not select.select([self._process.stdout], [], [], timeout_s)[0]:
            return
        data = os.read(self._process.stdout.fileno(), 1 << 16)
        if not data:
            raise RuntimeError("kafka_load follow has ended")
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            moment, partition, offset, total = line.split()
            self.arrivals.append((float(moment), int(partition), int(offset)))
            self.total = int(total)
            self.last_s = float(moment)

    def first_beyond(self, ends):
        """When the first record could be read that was written later than `ends`, or None."""
        return next((moment for moment, partition, offset in self.arrivals if offset >= ends[partition]), None)

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


class Worker:
    """One process of the command; its output goes to a file, because nobody reads while it runs."""

    def __init__(self, command, folder, environment=None):
        self.path = pathlib.Path(folder) / "output"
        with open(self.path, "w", encoding="utf-8") as output:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, command)], cwd=folder,
                                            env=os.environ | (environment or {}), stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=subprocess.STDOUT)
        self.path = self.path.rename(self.path.with_name(f"output-{self.process.pid}"))

    @property
    def output(self):
        return self.path.read_text(encoding="utf-8", errors="replace")

    @property
    def alive(self):
        return self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def wait(self, timeout_s):
        """The exit code, negative for a signal; None when it still runs."""
        watch = os.pidfd_open(self.process.pid) if self.alive else None
        if watch is not None:
            select.select([watch], [], [], timeout_s)
            os.close(watch)
        return self.process.poll()

    def end(self):
        if self.alive:
            self.process.kill()
        self.process.wait()


class Job:
    """The command on this job in `folder`, with one broker."""

    def __init__(self, folder, build, broker, seed, num_rows, train, hours=4):
        self.folder, self.broker, self.train = pathlib.Path(folder), broker, train
        build = pathlib.Path(build).resolve()
        self.streamml = build / "worker/cli/streamml"
        self.load = build / "tests/kafka/kafka_load"
        self.preload = build / "tests/kafka/libstreamml_killing_client.so"
        for path in (self.streamml, self.load, self.preload):
            if not path.exists():
                raise SystemExit(f"there is no {path}: build it with ./dev build")
        self.num_rows = num_rows
        make_rows(self.folder / "rows.jsonl", seed, num_rows, hours)
        (self.folder / "job.yaml").write_text(manifest(broker.address, train), encoding="ascii")

    def reset(self):
        """Topics as if there had never been a job."""
        present = self.broker.topics()
        ours = [name for name in present if name in ("payments", *SINKS) or name.startswith("streamml.")]
        if ours:
            wire.delete_topics(self.broker.address, ours)
        for name in ("payments", *SINKS):
            # Records of the sinks carry event times, which are older than what brokers keep by default.
            self.broker.create_topic(name, NUM_PARTITIONS, {"retention.ms": -1})
        end = time.monotonic() + 30
        while not {"payments", *SINKS} <= set(self.broker.topics()) and time.monotonic() < end:
            time.sleep(0.05)  # a busy broker knows them a moment later

    def fill(self, rate=None):
        command = [self.load, "fill", "--brokers", self.broker.address, "--topic", "payments", "--key", "card", "--file",
                   "rows.jsonl", *(["--rate", str(rate)] if rate else [])]
        return Worker(command, self.folder)

    def run(self, data, kill_plan=None):
        environment = {"LD_PRELOAD": str(self.preload), "STREAMML_KILL": kill_plan} if kill_plan else None
        return Worker([self.streamml, "run", "job.yaml", "--data-dir", data, *COMMIT_OFTEN, "--summary", f"{data}.json"],
                      self.folder, environment)

    def replay(self, data):
        """The exit code and what was printed."""
        worker = Worker([self.streamml, "replay", "job.yaml", "--all", "--data-dir", data], self.folder)
        code = worker.wait(300)
        worker.end()
        return code, worker.output

    def journal_ends(self):
        """{lane: offset behind its last record}; empty while there is no journal."""
        topic = "streamml.kill.1.journal"
        if topic not in self.broker.topics():
            return {}
        return wire.ends(self.broker.address, topic, NUM_LANES)

    def forget(self, data):
        """The node's disk is lost."""
        shutil.rmtree(self.folder / data, ignore_errors=True)

    def drain(self, topic, num_partitions=NUM_PARTITIONS):
        """[[(timestamp, key, value)]] by partition: what is committed."""
        folder = self.folder / f"drained-{topic}"
        subprocess.run([self.load, "drain", "--brokers", self.broker.address, "--topic", topic, "--out", folder],
                       check=True, stdout=subprocess.DEVNULL)
        records = []
        for partition in range(num_partitions):
            lines = (folder / f"{partition}.tsv").read_text(encoding="utf-8").split("\n")[:-1]
            records.append([tuple(line.split("\t")[i] for i in (1, 2, 4)) for line in lines])
        return records

    def outcome(self, data):
        """What a stopped run left, which I2 says is the same for all that got all rows."""
        summary = json.loads((self.folder / f"{data}.json").read_text(encoding="utf-8"))
        for stage in summary["stages"]:  # rows behind the last output may wait in memory or still be unread
            stage["processed"] = stage.pop("read") - stage.pop("held")
        return {
            "topics": {topic: self.drain(topic) for topic in SINKS},
            # Of several lanes, and with the time of writing.
            "rejects": {topic: sorted(value for _, _, value in self.drain(topic, 1)[0]) for topic in REJECTS},
            "lanes": {lane["name"]: {name: lane[name] for name in ("outputDigest", "stateDigest", "watermark")}
                      for lane in summary["lanes"]},
            "counts": {name: summary[name] for name in ("rows", "late", "dead", "stages", "models", "accounting")},
        }


def run_undisturbed(job):
    """All rows in one `streamml run`: the outcome, and how long it took. Raises Failure."""
    job.reset()
    filling = job.fill()
    if filling.wait(120) != 0:
        raise Failure(f"kafka_load fill: {filling.output}")
    follower = Follower(job.load, job.broker.address, SINKS[0])
    started = time.monotonic()
    worker = job.run("undisturbed")
    try:
        while follower.total == 0 or time.monotonic() - follower.last_s < 3:
            follower.look(0.2)
            if not worker.alive or time.monotonic() - started > 120:
                raise Failure(f"the undisturbed run does not come to its end:\n{worker.output}")
        worker.send(signal.SIGTERM)
        if worker.wait(20) != 0:
            raise Failure(f"the undisturbed run does not end in order:\n{worker.output}")
    finally:
        worker.end()
        follower.close()
    return job.outcome("undisturbed"), follower.last_s - started


def _by_key(records):
    """Records of a topic that several lanes write: in order only within a key, of which one lane is the writer."""
    keys = {}
    for record in records:
        keys.setdefault(record[1], []).append(record)
    return [record for key in sorted(keys) for record in keys[key]]


def _difference_of_numbers(expected, seen, train):
    """Of what does not depend on which version scored a row, nor on which came before it."""
    on_arrival = train == "arrival"
    for topic in SINKS[:1] if on_arrival else SINKS:  # the other has rows by what their windows say
        left, right = (sorted(record[1] for part in outcome["topics"][topic] for record in part)
                       for outcome in (expected, seen))
        if left != right:
            return f"topic {topic}: {len(left)} records expected, {len(right)} seen, or other keys"
    for name in ("rows", "late", "dead") if on_arrival else ("rows", "late", "dead", "accounting"):
        if seen["counts"][name] != expected["counts"][name]:
            return f"{name} in the summary is {seen['counts'][name]} and not {expected['counts'][name]}"
    return ""


def difference(expected, seen, train):
    """The first difference of two outcomes for people; empty when there is none."""
    if train in ("asap", "arrival"):
        return _difference_of_numbers(expected, seen, train)
    for topic in SINKS:
        for partition, (left, right) in enumerate(zip(expected["topics"][topic], seen["topics"][topic], strict=True)):
            left, right = _by_key(left), _by_key(right)
            if left == right:
                continue
            place = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b), min(len(left), len(right)))
            return (f"topic {topic}, partition {partition}: {len(left)} records expected, {len(right)} seen; record "
                    f"{place} is {right[place:place + 1]} and not {left[place:place + 1]}")
    for topic, values in expected["rejects"].items():
        seen_values = seen["rejects"][topic]
        if values != seen_values:
            place = next((i for i, (a, b) in enumerate(zip(values, seen_values)) if a != b), min(len(values), len(seen_values)))
            return (f"topic {topic}: {len(values)} records expected, {len(seen_values)} seen; sorted, record {place} is "
                    f"{seen_values[place:place + 1]} and not {values[place:place + 1]}")
    for name, lane in expected["lanes"].items():
        for digest, value in lane.items():
            if seen["lanes"].get(name, {}).get(digest) != value:
                return f"{digest} of lane {name} is {seen['lanes'].get(name, {}).get(digest)} and not {value}"
    for name, value in expected["counts"].items():
        if seen["counts"][name] != value:
            return f"{name} in the summary is {seen['counts'][name]} and not {value}"
    return ""
