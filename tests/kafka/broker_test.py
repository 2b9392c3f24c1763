#!/usr/bin/env python3
"""Tests of the broker harness: it is a real broker, it comes back, and nothing of it is left."""

import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# pylint: disable=wrong-import-position
import wire  # noqa: E402
from broker import Broker, BrokerError  # noqa: E402


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def await_end(pid, timeout_s=10):
    end = time.monotonic() + timeout_s
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_alive(pid)


class BrokerTest(unittest.TestCase):
    def test_a_killed_broker_comes_back_on_its_port_with_its_topics(self):
        with Broker() as broker:
            address, cluster = broker.address, wire.metadata(broker.address)[2]
            broker.create_topic("events", partitions=3, settings={"retention.ms": -1})
            self.assertEqual({"events": {0: 1, 1: 1, 2: 1}}, broker.topics())
            first = broker.pid
            for life in range(2):
                broker.kill()
                self.assertFalse(is_alive(first))
                with self.assertRaises(wire.WireError):
                    broker.topics()
                started = time.monotonic()
                broker.start()
                print(f"served again {time.monotonic() - started:.1f} s after kill -9", file=sys.stderr)
                self.assertNotEqual(first, broker.pid)
                first = broker.pid
                broker.create_topic(f"life-{life}")
            self.assertEqual(address, broker.address)
            self.assertEqual(cluster, wire.metadata(address)[2])
            self.assertEqual({0: 1, 1: 1, 2: 1}, broker.topics()["events"])
            broker.restart()
            self.assertEqual({"events", "life-0", "life-1"}, set(broker.topics()))
            self.assertRaisesRegex(wire.WireError, "'events' is not made", broker.create_topic, "events")
            folder, last = broker.folder, broker.pid
        self.assertFalse(folder.exists())
        self.assertFalse(is_alive(last))

    def test_a_paused_broker_does_not_answer_until_it_is_resumed(self):
        with Broker() as broker:
            broker.pause()
            self.assertRaises(wire.WireError, wire.metadata, broker.address, timeout_s=0.3)
            broker.resume()
            self.assertEqual(1, wire.metadata(broker.address)[0])

    def test_secure_listeners_show_a_certificate_of_the_authority(self):
        with Broker(secure=True) as broker:
            trusted = ssl.create_default_context(cafile=broker.certificates / "ca.pem")
            for name in ("TLS", "SASL_TLS"):
                host, port = broker.listener(name).split(":")
                with socket.create_connection((host, int(port)), 5) as plain:
                    with trusted.wrap_socket(plain, server_hostname=host) as connection:
                        self.assertEqual("TLSv1.3", connection.version())

    def test_a_setting_that_kafka_refuses_is_an_error_with_its_words(self):
        broker = Broker(settings={"log.segment.bytes": "none"})
        self.assertRaisesRegex((BrokerError, RuntimeError), "log.segment.bytes", broker.start)
        broker.close()
        self.assertFalse(broker.folder.exists())

    def test_nothing_is_left_of_a_broker_whose_test_was_killed(self):
        program = (f"import sys, json; sys.path.insert(0, {str(HERE)!r}); from broker import Broker; "
                   "b = Broker().start(); print(json.dumps([b.pid, str(b.folder)]), flush=True); sys.stdin.read()")
        with subprocess.Popen([sys.executable, "-B", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as test:
            pid, folder = json.loads(test.stdout.readline())
            self.assertTrue(is_alive(pid))
            test.send_signal(signal.SIGKILL)
        self.assertTrue(await_end(pid))
        old = time.time() - 3600
        os.utime(folder, (old, old))
        end = time.monotonic() + 10  # the kernel may still be closing its files
        while os.path.exists(folder) and time.monotonic() < end:
            Broker().close()  # whoever comes next tidies up
        self.assertFalse(os.path.exists(folder))

    def test_a_command_gets_the_address_and_its_status_is_handed_on(self):
        with tempfile.TemporaryDirectory() as folder:
            outcome = subprocess.run(
                [HERE / "with_broker", "--data", folder, "--", "bash", "-c", 'echo "$KAFKA $KAFKA_PID"; exit 7'],
                stdout=subprocess.PIPE, text=True, check=False)
            self.assertEqual(7, outcome.returncode)
            address, pid = outcome.stdout.split()
            self.assertRegex(address, r"^127\.0\.0\.1:\d+$")
            self.assertFalse(is_alive(pid))
            self.assertIn("server.properties", os.listdir(folder))


if __name__ == "__main__":
    unittest.main()
