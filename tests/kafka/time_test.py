#!/usr/bin/env python3
"""time_test.py BUILD: event times that brokers do not take, or do not keep."""

import pathlib
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position
import wire  # noqa: E402
from small_job import JobTest, row  # noqa: E402

DAY_MS = 86_400_000


class TimeTest(JobTest):
    def test_a_row_from_the_future_is_written_with_the_time_of_writing(self):
        job = self.job()
        job.topics()
        now = int(time.time() * 1000)
        job.fill([row(0, at=now - 1000), row(1, at=now + 400 * DAY_MS), row(2, at=-DAY_MS)])
        job.run()
        records = job.await_records(2)  # the third is late
        job.await_records(1, job.own("events.late"))
        self.assertEqual(now - 1000, records[0][0])
        self.assertAlmostEqual(now, records[1][0], delta=60000)
        self.assertGreater(records[1][2]["at"], records[0][2]["at"])  # the row has its event time
        job.stop()
        self.assertEqual(0, job.replay().returncode)

    def test_a_row_older_than_its_topic_keeps_is_told_of_once(self):
        job = self.job()
        job.topics(sink={"retention.ms": DAY_MS})
        now = int(time.time() * 1000)
        job.fill([row(0, at=now - 3 * DAY_MS), row(1, at=now - 2 * DAY_MS), row(2, at=now)])
        job.run("--commit-rows", "1")
        job.await_records(1)  # brokers may be quick
        job.stop()
        self.assertEqual(1, job.worker.output.count("brokers will delete it"), job.worker.output)
        self.assert_says(job.worker.output, f"note: topic '{job.sink}': a record has the time ", "retention.ms of the topic, 86400000")

    def test_a_topic_that_refuses_old_times_stops_the_job_and_says_which_setting_does(self):
        job = self.job()
        job.topics(sink={"message.timestamp.before.max.ms": DAY_MS})
        job.fill([row(0)])
        job.run()
        self.assert_says(job.failure(), f"topic '{job.sink}'", "INVALID_TIMESTAMP", "message.timestamp.before.max.ms")
        wire.alter_topic(self.address, job.sink, {"message.timestamp.before.max.ms": 2**63 - 1})
        job.run()
        self.assertEqual(1, len(job.await_records(1)))
        job.stop()


if __name__ == "__main__":
    unittest.main()
