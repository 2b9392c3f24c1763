"""A small job on a broker that tests share: topics with names of its own, `streamml run` in a folder of its own.

Each test says what its manifest has behind the clusters; {in}, {out} and {name} in it are replaced."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

import kill_job
import wire
from broker import Broker

BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else "build/release").resolve()
STREAMML = BUILD / "worker/cli/streamml"
LOAD = BUILD / "tests/kafka/kafka_load"
PATIENCE_S = 30

HEAD = """\
apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: NAME}
spec:
  clusters: [{name: main, kafka: KAFKA}]
  log: {cluster: main, partitions: 2}
"""

EVENTS = """\
  sources:
  - name: events
    topic: NAME-in
    cluster: main
    format: json
    columns:
    - {name: id, type: text}
    - {name: text, type: text}
    - {name: at, type: timestamp, unit: ms}
    watermark: {column: at}
"""

# Rows as they come.
PLAIN = EVENTS + """\
  sinks:
  - {name: out, sql: "SELECT id, text, at FROM events", cluster: main, topic: NAME-out, key: [id]SINK}
  workers: {lanes: 1}
"""

# A re-key between the source and the window.
WINDOW = EVENTS + """\
  views:
  - name: recent
    sql: |
      SELECT id, text, at, count(*) OVER w AS n FROM events
      WINDOW w AS (PARTITION BY id ORDER BY at RANGE INTERVAL '1 hour' PRECEDING)
  sinks:
  - {name: out, sql: "SELECT id, length(text) AS size, n FROM recent", cluster: main, topic: NAME-out, key: [id]SINK}
  workers: {lanes: 2}
"""

START_MS = 1_772_323_200_000


def row(number, text="", at=None, **more):
    return {"id": f"r{number}", "text": text, "at": START_MS + number if at is None else at} | more


class Job:
    def __init__(self, address, folder, spec=PLAIN, sink="", kafka=None):
        self.address, self.folder = address, pathlib.Path(folder)
        self.kafka = kafka or f'{{brokers: "{address}"}}'
        self.name = f"t{uuid.uuid4().hex[:10]}"
        self.source, self.sink = f"{self.name}-in", f"{self.name}-out"
        self.worker = None
        self.write(spec, sink)

    def write(self, spec, sink=""):
        text = HEAD + spec.replace("SINK}", f"{sink}}}")
        text = text.replace("NAME", self.name).replace("KAFKA", self.kafka)
        (self.folder / "job.yaml").write_text(text, encoding="utf-8")

    def own(self, name):
        return f"streamml.{self.name}.1.{name}"

    def topics(self, partitions=1, source=None, sink=None):
        """Settings of both may be given."""
        wire.create_topic(self.address, self.source, partitions, source)
        wire.create_topic(self.address, self.sink, partitions, {"retention.ms": -1} | (sink or {}))

    def fill(self, rows, *arguments, topic=None):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        subprocess.run([LOAD, "fill", "--brokers", self.address, "--topic", topic or self.source, "--key", "id", "--set",
                        "message.max.bytes=20000000", *arguments],
                       input=lines, check=True, stdout=subprocess.DEVNULL, text=True)

    def run(self, *arguments, preexec=None):
        command = [STREAMML, "run", "job.yaml", "--data-dir", "data", "--commit-interval", "20ms", "--summary",
                   "summary.json", *arguments]
        self.worker = kill_job.Worker(command, self.folder) if preexec is None else Limited(command, self.folder, preexec)
        return self.worker

    def command(self, *arguments):
        return subprocess.run([STREAMML, *arguments], cwd=self.folder, capture_output=True, text=True, check=False,
                              timeout=60)

    def replay(self):
        return self.command("replay", "job.yaml", "--all", "--data-dir", "data")

    def records(self, topic=None):
        """[(timestamp in ms, key, value)] of all partitions, committed."""
        with tempfile.TemporaryDirectory() as folder:
            outcome = subprocess.run([LOAD, "drain", "--brokers", self.address, "--topic", topic or self.sink, "--out", folder],
                                     capture_output=True, text=True, check=False)
            if "there is no topic" in outcome.stderr:  # not yet
                return []
            if outcome.returncode != 0:
                raise AssertionError(outcome.stderr)
            lines = [line.split("\t") for path in sorted(pathlib.Path(folder).iterdir())
                     for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
        return [(int(line[1]), line[2], json.loads(line[4].replace("\\\\", "\\"))) for line in lines]

    def await_records(self, number, topic=None):
        end = time.monotonic() + PATIENCE_S
        while True:
            records = self.records(topic)
            if len(records) >= number:
                return records
            if not self.worker.alive or time.monotonic() > end:
                raise AssertionError(f"{len(records)} of {number} records in {topic or self.sink}:\n{self.worker.output}")
            time.sleep(0.1)

    def stop(self):
        """SIGTERM; its summary."""
        self.worker.send(signal.SIGTERM)
        code = self.worker.wait(PATIENCE_S)
        if code != 0:
            raise AssertionError(f"exit code {code}:\n{self.worker.output}")
        return json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))

    def failure(self):
        """What a run said that ended by itself with an error."""
        code = self.worker.wait(PATIENCE_S)
        if not code:
            raise AssertionError(f"exit code {code}:\n{self.worker.output}")
        return self.worker.output

    def end(self):
        if self.worker:
            self.worker.end()


class Limited(kill_job.Worker):
    """A worker whose process is prepared by a function before it begins."""

    def __init__(self, command, folder, preexec):
        self.path = pathlib.Path(folder) / "output-limited"
        with open(self.path, "w", encoding="utf-8") as output:
            # pylint: disable=subprocess-popen-preexec-fn
            self.process = subprocess.Popen([*map(str, command)], cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT, preexec_fn=preexec)


class JobTest(unittest.TestCase):
    """One broker for all tests of the program: that of the environment, or one of its own."""

    SETTINGS = {}  # a broker of the class's own where there are some

    @classmethod
    def setUpClass(cls):
        cls.broker, cls.address = None, None if cls.SETTINGS else os.environ.get("KAFKA")
        if not cls.address:
            cls.broker = Broker(settings=cls.SETTINGS).start()
            cls.address = cls.broker.address

    @classmethod
    def tearDownClass(cls):
        if cls.broker:
            cls.broker.close()

    def job(self, *arguments, **more):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        job = Job(self.address, folder.name, *arguments, **more)
        self.addCleanup(job.end)
        return job

    def assert_says(self, output, *parts):
        for part in parts:
            self.assertIn(part, output)
