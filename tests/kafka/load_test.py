#!/usr/bin/env python3
"""load_test.py KAFKA_LOAD: what the load program writes and reads, compared with Kafka's own Java tools."""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# pylint: disable=wrong-import-position
import wire  # noqa: E402
from broker import Broker  # noqa: E402

LOAD = sys.argv.pop(1) if len(sys.argv) > 1 else "build/release/tests/kafka/kafka_load"


def load(address, *arguments, rows=(), topic):
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    return subprocess.run([LOAD, arguments[0], "--brokers", address, "--topic", topic, *arguments[1:]], input=lines,
                          capture_output=True, text=True, check=False)


def drain(address, topic, *arguments):
    """[[line split at tabs]] per partition."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = load(address, "drain", "--out", folder, *arguments, topic=topic)
        if outcome.returncode != 0:
            raise AssertionError(outcome.stderr)
        files = sorted(pathlib.Path(folder).iterdir(), key=lambda path: int(path.stem))
        lines = [[line.split("\t") for line in path.read_text().splitlines()] for path in files]
        counts = [len(partition) for partition in lines]
        if json.loads(outcome.stdout) != {"rows": sum(counts), "partitions": counts}:
            raise AssertionError(f"{outcome.stdout} is printed, {counts} are there")
        return lines


def java(tool, address, *arguments, lines=""):
    return subprocess.run([HERE / "bin/kafka", tool, *arguments], env=os.environ | {"KAFKA": address}, input=lines,
                          capture_output=True, text=True, check=True, timeout=120).stdout


class LoadTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = None
        cls.address = os.environ.get("KAFKA")
        if not cls.address:
            cls.broker = Broker().start()
            cls.address = cls.broker.address

    @classmethod
    def tearDownClass(cls):
        if cls.broker:
            cls.broker.close()

    def setUp(self):
        self.topic = f"load-{uuid.uuid4()}"

    def fill(self, *arguments, rows):
        return load(self.address, "fill", *arguments, rows=rows, topic=self.topic)

    def test_keys_go_to_the_partitions_that_java_gives_them(self):
        keys = [f"käse {number}" for number in range(200)] + [str(number) for number in range(-50, 50)]
        rows = [{"id": int(key) if key.lstrip("-").isdigit() else key, "n": n} for n, key in enumerate(keys)]
        outcome = self.fill("--partitions", "5", "--key", "id", rows=rows)
        self.assertEqual(0, outcome.returncode, outcome.stderr)
        self.assertEqual(300, json.loads(outcome.stdout)["rows"])
        ours = drain(self.address, self.topic)
        self.topic += "-java"
        self.fill("--partitions", "5", rows=[])
        java("producer", self.address, "--topic", self.topic, "--property", "parse.key=true", "--property",
             "key.separator=|", lines="".join(f"{key}|{json.dumps(row)}\n" for key, row in zip(keys, rows)))
        theirs = drain(self.address, self.topic)
        for mine, other in zip(ours, theirs, strict=True):
            self.assertGreater(len(mine), 20)
            self.assertEqual([(line[2], line[4]) for line in mine], [(line[2], line[4]) for line in other])

    def test_java_reads_what_was_filled_with_its_times(self):
        rows = [{"at": 1700000000123, "v": 1}, {"at": "2023-11-14T23:13:20.5+01:00", "v": 2},
                {"at": "2023-11-14 22:13:21", "v": 3}]
        outcome = self.fill("--partitions", "1", "--time", "at", rows=rows)
        self.assertEqual(0, outcome.returncode, outcome.stderr)
        text = java("consumer", self.address, "--topic", self.topic, "--from-beginning", "--max-messages", "3",
                    "--property", "print.timestamp=true", "--property", "print.key=true")
        self.assertEqual([f"CreateTime:{time_ms}\tnull\t{json.dumps(row)}" for time_ms, row in
                          zip((1700000000123, 1700000000500, 1700000001000), rows)], text.splitlines())

    def test_rows_without_keys_go_to_the_partitions_in_turn(self):
        self.fill("--partitions", "3", rows=[{"n": n} for n in range(9)])
        values = [[json.loads(line[4])["n"] for line in lines] for lines in drain(self.address, self.topic)]
        self.assertEqual([[0, 3, 6], [1, 4, 7], [2, 5, 8]], values)

    def test_what_it_cannot_do_is_refused_by_name(self):
        for column, rows, words in (("id", [{"id": 1}, {"no": 1}], "line 2: no key 'id'"),
                                    ("id", [{"id": None}], "line 1: no key 'id'")):
            outcome = self.fill("--partitions", "2", "--key", column, rows=rows)
            self.assertEqual((1, f"kafka_load: {words}\n"), (outcome.returncode, outcome.stderr))
        outcome = self.fill("--time", "at", rows=[{"at": "soon"}])
        self.assertEqual("kafka_load: line 1: time 'at': 'soon' is no time\n", outcome.stderr)
        outcome = self.fill("--partitions", "3", rows=[])
        self.assertEqual(f"kafka_load: topic '{self.topic}' has 2 partitions, not 3\n", outcome.stderr)
        outcome = load(self.address, "drain", "--out", "/tmp/none", topic="none")
        self.assertEqual("kafka_load: there is no topic 'none'\n", outcome.stderr)

    def test_a_rate_is_kept(self):
        started = time.monotonic()
        outcome = self.fill("--partitions", "1", "--rate", "100", rows=[{"n": n} for n in range(101)])
        self.assertEqual(0, outcome.returncode, outcome.stderr)
        self.assertGreaterEqual(time.monotonic() - started, 1.0)

    def test_rows_are_there_once_although_the_broker_is_killed_meanwhile(self):
        rows = [{"id": n % 97, "n": n} for n in range(20000)]
        with Broker() as broker:
            outcomes = []
            filling = threading.Thread(target=lambda: outcomes.append(
                load(broker.address, "fill", "--partitions", "3", "--key", "id", "--rate", "8000", rows=rows,
                     topic=self.topic)))
            filling.start()
            while not broker.topics().get(self.topic):
                time.sleep(0.05)
            time.sleep(1)
            broker.kill()
            broker.start()
            filling.join()
            self.assertEqual((0, ""), (outcomes[0].returncode, outcomes[0].stderr))
            found = collections.Counter()
            for lines in drain(broker.address, self.topic):
                numbers = [json.loads(line[4])["n"] for line in lines]
                self.assertEqual(sorted(numbers), numbers)
                found.update(numbers)
        self.assertEqual(collections.Counter(range(20000)), found)

    def test_each_secure_listener_takes_who_proves_who_he_is_and_nobody_else(self):
        with Broker(secure=True) as broker:
            folder = broker.certificates
            trust = {"ssl.ca.location": folder / "ca.pem"}
            logins = {"PLAIN": {"sasl.username": "alice", "sasl.password": "alice-secret"},
                      "SCRAM-SHA-256": {"sasl.username": "alice", "sasl.password": "alice-secret"},
                      "SCRAM-SHA-512": {"sasl.username": "bob", "sasl.password": "bob-secret"},
                      "OAUTHBEARER": {"enable.sasl.oauthbearer.unsecure.jwt": "true",
                                      "sasl.oauthbearer.config": "principal=alice"}}
            cases = [("TLS", {"security.protocol": "ssl"} | trust),
                     ("TLS", {"security.protocol": "ssl", "ssl.certificate.location": folder / "client.pem",
                              "ssl.key.location": folder / "client.key"} | trust)]
            for mechanism, login in logins.items():
                login = login | {"sasl.mechanism": mechanism}
                cases.append(("SASL", {"security.protocol": "sasl_plaintext"} | login))
                cases.append(("SASL_TLS", {"security.protocol": "sasl_ssl"} | login | trust))
            for number, (listener, settings) in enumerate(cases):
                with self.subTest(listener=listener, mechanism=settings.get("sasl.mechanism")):
                    options = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
                    outcome = load(broker.listener(listener), "fill", "--partitions", "1", *options,
                                   rows=[{"n": number}], topic="secret")
                    self.assertEqual((0, ""), (outcome.returncode, outcome.stderr))
                    last = drain(broker.listener(listener), "secret", *options)[0][-1]
                    self.assertEqual({"n": number}, json.loads(last[4]))
            for listener in ("SASL", "TLS", "SASL_TLS"):
                self.assertRaises(wire.WireError, wire.metadata, broker.listener(listener), timeout_s=2)


if __name__ == "__main__":
    unittest.main()
