#!/usr/bin/env python3
"""outage_test.py BUILD: no broker for longer than a transaction may take, and a full disk."""

import pathlib
import resource
import signal
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position
from small_job import WINDOW, JobTest, row  # noqa: E402

AWAY_S = 11  # longer than the transaction timeout


class OutageTest(JobTest):
    SETTINGS = {"broker.session.timeout.ms": 2000, "broker.heartbeat.interval.ms": 500}  # it kills its broker

    def test_a_job_waits_for_its_brokers_and_goes_on(self):
        job = self.job(WINDOW)
        job.topics()
        job.fill([row(i) for i in range(100)])
        job.run("--commit-rows", "10")
        job.await_records(50)
        self.broker.kill()
        time.sleep(AWAY_S)
        self.assertTrue(job.worker.alive, job.worker.output)
        self.broker.start()
        job.fill([row(i) for i in range(100, 200)])
        records = job.await_records(199)
        self.assertEqual(sorted(f"r{i}" for i in range(199)), sorted(value["id"] for _, _, value in records))
        job.stop()
        self.assertEqual(0, job.replay().returncode)


class DiskTest(JobTest):
    @staticmethod
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))

    def test_a_full_disk_stops_the_job_and_it_goes_on_when_there_is_room(self):
        job = self.job(WINDOW)
        job.topics()
        job.run("--snapshot-interval", "50ms", preexec=self.limit)
        job.fill([row(i) for i in range(2000)], "--rate", "1000")  # many commits, each with a snapshot
        output = job.failure()
        self.assert_says(output, "snapshot", "nothing that was committed is lost")
        job.run()
        self.assertEqual(1999, len({value["id"] for _, _, value in job.await_records(1999)}))
        job.stop()
        self.assertEqual(1999, len(job.records()))
        self.assertEqual(0, job.replay().returncode)


if __name__ == "__main__":
    unittest.main()
