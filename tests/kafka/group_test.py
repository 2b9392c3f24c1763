#!/usr/bin/env python3
"""group_test.py BUILD: the consumer group that shows people how far a job has read."""

import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# pylint: disable=wrong-import-position
from small_job import PATIENCE_S, JobTest, row  # noqa: E402


class GroupTest(JobTest):
    def groups(self, *arguments):
        """Kafka's own tool."""
        return subprocess.run([HERE / "bin/kafka", "groups", *arguments], env=os.environ | {"KAFKA": self.address},
                              capture_output=True, text=True, check=False, timeout=60).stdout

    def lag(self, group):
        """{partition: (offset, end, lag)}"""
        lines = [line.split() for line in self.groups("--describe", "--group", group).splitlines()]
        return {int(line[2]): tuple(line[3:6]) for line in lines if line and line[0] == group}

    def test_a_lag_tool_shows_how_far_a_job_has_read_and_nothing_is_recovered_from_it(self):
        job = self.job()
        job.topics()
        job.fill([row(i) for i in range(5)])
        job.run()
        job.await_records(5)
        group, end = f"streamml.default.{job.name}", time.monotonic() + PATIENCE_S
        while not self.lag(group) and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual({0: ("5", "5", "0")}, self.lag(group))
        job.fill([row(5)])
        job.await_records(6)
        job.stop()  # tells the last ones at once
        job.fill([row(i) for i in range(6, 9)])
        self.assertEqual({0: ("6", "9", "3")}, self.lag(group))
        self.groups("--delete", "--group", group)
        job.run()
        self.assertEqual([f"r{i}" for i in range(9)], [value["id"] for _, _, value in job.await_records(9)])
        job.stop()
        self.assertEqual(9, len(job.records()))


if __name__ == "__main__":
    unittest.main()
