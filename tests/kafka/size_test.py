#!/usr/bin/env python3
"""size_test.py BUILD: rows that are larger than brokers take."""

import pathlib
import random
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position
import wire  # noqa: E402
from small_job import PLAIN, WINDOW, JobTest, row  # noqa: E402


class SizeTest(JobTest):
    def test_a_row_larger_than_its_sink_takes_is_a_dead_letter_and_the_job_goes_on(self):
        job = self.job()
        job.topics(source={"max.message.bytes": 4000000})
        job.fill([row(0), row(1, "x" * 1200000), row(2)])
        job.run()
        dead = job.await_records(1, job.own("out.dead"))
        self.assertEqual(["r0", "r2"], [value["id"] for _, _, value in job.await_records(2)])
        letter = dead[0][2]
        self.assertEqual(("out", "sink", 0, 0, 1, True),
                         tuple(letter[name] for name in ("relation", "operator", "source", "partition", "record", "rowCut")))
        self.assertRegex(letter["reason"], r"^a record of 12000\d\d bytes; the most is 1000000 \(maxRecordBytes\)$")
        self.assertTrue(letter["row"].startswith('{"id":"r1","text":"xxx'))
        summary = job.stop()
        self.assertEqual((1, [1], True), (summary["dead"], [stage["tooLarge"] for stage in summary["stages"]],
                                          summary["accounting"]["addsUp"]))
        replayed = job.replay()
        self.assertEqual(0, replayed.returncode, replayed.stderr)

    def test_rows_of_any_size_pass_a_re_key_although_its_topic_takes_a_megabyte(self):
        job = self.job(WINDOW)
        job.topics(source={"max.message.bytes": 8000000})
        for name in ("journal", "events-to-recent"):
            wire.create_topic(self.address, job.own(name), {"journal": 3}.get(name, 2), {"max.message.bytes": 1048588, "retention.ms": -1})
        sizes = [10, 5000000, 700000, 800000, 900000, 3000000, 7]
        job.fill([row(number, "x" * size, id="same") for number, size in enumerate(sizes)] + [row(10**8)])
        job.run()
        records = job.await_records(len(sizes))
        self.assertEqual([{"id": "same", "size": size, "n": n + 1} for n, size in enumerate(sizes)],
                         [value for _, _, value in records])
        job.stop()
        replayed = job.replay()
        self.assertEqual(0, replayed.returncode, replayed.stderr)

    def test_a_topic_that_takes_less_than_the_sink_may_write_is_refused_before_anything_is_read(self):
        job = self.job()
        job.topics(sink={"max.message.bytes": 100000})
        job.fill([row(0)])
        job.run()
        self.assert_says(job.failure(), f"topic '{job.sink}'", "max.message.bytes is '100000'", "needs 1000512", "maxRecordBytes")
        self.assertEqual([], job.records())
        # With the bound lowered it runs, and many small records together are no large one.
        job.write(PLAIN, ", maxRecordBytes: 99000")
        job.fill([row(number, "y" * 60000) for number in range(1, 20)] + [row(20, "z" * 99500)])
        job.run()
        job.await_records(1, job.own("out.dead"))
        self.assertEqual(20, len(job.await_records(20)))
        job.stop()

    def test_a_bound_of_the_topic_that_is_lowered_later_stops_the_job_with_a_way_out(self):
        job = self.job()
        job.topics()
        job.run()
        job.fill([row(0)])
        job.await_records(1)
        wire.alter_topic(self.address, job.sink, {"max.message.bytes": 5000})
        job.fill([row(1, random.Random(1).randbytes(30000).hex()), row(2)])  # does not become small by compression
        self.assert_says(job.failure(), f"topic '{job.sink}'", "MSG_SIZE_TOO_LARGE", "set its max.message.bytes back")
        wire.alter_topic(self.address, job.sink, {"max.message.bytes": 1048588})
        job.run()
        self.assertEqual(["r0", "r1", "r2"], [value["id"] for _, _, value in job.await_records(3)])
        job.stop()


if __name__ == "__main__":
    unittest.main()
