#!/usr/bin/env python3
"""bench_test.py KAFKA_BENCH KAFKA_LOAD: the bare loop copies each row once, and delays are those of the rows sent."""

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

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "kafka"))

# pylint: disable=wrong-import-position
import wire  # noqa: E402
from broker import Broker  # noqa: E402

LOAD = sys.argv.pop(2)
BENCH = sys.argv.pop(1)
PARTITIONS = 2


class BenchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = None
        cls.address = os.environ.get("KAFKA")
        if not cls.address:
            cls.broker = Broker().start()
            cls.address = cls.broker.address

    @classmethod
    def tearDownClass(cls):
        if cls.broker is not None:
            cls.broker.close()

    def new_topic(self, settings=None):
        topic = f"bench-{uuid.uuid4().hex[:8]}"
        wire.create_topic(self.address, topic, PARTITIONS, {"retention.ms": -1} | (settings or {}))
        return topic

    def bench(self, *arguments):
        return subprocess.run([BENCH, *map(str, arguments), "--brokers", self.address], capture_output=True, text=True,
                              check=False)

    def values(self, topic):
        """[[(key, value)] by partition], of what is committed."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([LOAD, "drain", "--brokers", self.address, "--topic", topic, "--out", folder], check=True,
                           stdout=subprocess.DEVNULL)
            lines = [(pathlib.Path(folder) / f"{number}.tsv").read_text().splitlines() for number in range(PARTITIONS)]
            return [[(line.split("\t")[2], line.split("\t")[4]) for line in partition] for partition in lines]

    def all_values(self, topic):
        return sorted(record for partition in self.values(topic) for record in partition)

    def start_copy(self, source, sink):
        loop = subprocess.Popen([BENCH, "copy", "--brokers", self.address, "--from", source, "--to", sink],
                                stdout=subprocess.PIPE, text=True)
        self.addCleanup(loop.kill)
        return loop

    def stop(self, loop):
        loop.send_signal(signal.SIGTERM)
        return json.loads(loop.communicate(timeout=30)[0])

    def test_bare_loop_copies_each_row_once(self):
        source, sink = self.new_topic(), self.new_topic()
        outcome = self.bench("fill", "--topic", source, "--rows", 5000, "--last")
        self.assertEqual((outcome.returncode, outcome.stderr), (0, ""))
        loop = self.start_copy(source, sink)
        end = time.monotonic() + 30
        while len(self.all_values(sink)) < 5002:
            self.assertLess(time.monotonic(), end, "the loop has not copied the rows")
            time.sleep(0.1)
        totals = self.stop(loop)
        self.assertEqual(totals["rows"], 5002)
        self.assertGreater(totals["transactions"], 0)
        # The last rows of the source stand in all its partitions, whatever their keys.
        self.assertTrue(self.all_values(sink) == self.all_values(source), "other rows")

    def test_rows_are_those_of_their_numbers(self):
        whole, part = self.new_topic(), self.new_topic()
        self.bench("fill", "--topic", whole, "--rows", 300)
        self.bench("fill", "--topic", part, "--first", 200, "--rows", 100)
        ids = {json.loads(value)["id"] for partition in self.values(whole) for _, value in partition}
        self.assertEqual(ids, {f"p{number:09d}" for number in range(300)})
        for all_rows, rows in zip(self.values(whole), self.values(part), strict=True):
            self.assertEqual(all_rows[len(all_rows) - len(rows):], rows)
            for key, value in rows:
                self.assertEqual(json.loads(value)["card"], key)

    def test_delay_waits_for_what_can_be_read(self):
        source, sink = self.new_topic({"message.timestamp.type": "LogAppendTime"}), self.new_topic()
        loop = self.start_copy(source, sink)
        outcome = self.bench("delay", "--from", source, "--to", sink, "--rate", 500, "--warm", 1, "--seconds", 2,
                             "--patience", 10)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        result = json.loads(outcome.stdout)
        self.assertEqual((result["sent"], result["readable"]), (1000, 1000))
        self.assertGreaterEqual(result["p50"], 0)
        self.assertGreaterEqual(result["p99"], result["p50"])
        self.assertLess(result["max"], 10_000)
        self.assertGreater(result["sinkMarkers"], 0)
        self.assertGreaterEqual(self.stop(loop)["rows"], 1500)

    def test_delay_refuses_a_topic_with_times_of_producers(self):
        source, sink = self.new_topic(), self.new_topic()
        outcome = self.bench("delay", "--from", source, "--to", sink, "--rate", 100, "--warm", 0, "--seconds", 0.5,
                             "--patience", 0.1)
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("LogAppendTime", outcome.stderr)


if __name__ == "__main__":
    unittest.main()
