#!/usr/bin/env python3
"""topics_test.py BUILD: topics that are deleted, made again, truncated, grown or compacted while a job runs and between
its runs."""

import pathlib
import signal
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position
import wire  # noqa: E402
from small_job import WINDOW, JobTest, row  # noqa: E402

OTHER_NAME = "start over under another name (metadata.name or spec.identity)"


def running(test, number=3):
    """A job that has written so many rows."""
    job = test.job()
    job.topics()
    job.fill([row(i) for i in range(number)])
    job.run()
    job.await_records(number)
    return job


class SourceTest(JobTest):
    def test_a_source_that_is_deleted_stops_the_job_where_it_was(self):
        job = running(self)
        wire.delete_topics(self.address, [job.source])
        self.assert_says(job.failure(), f"(topic {job.source}), offset 3: ", OTHER_NAME)
        self.assertEqual(3, len(job.records()))
        job.run()
        self.assert_says(job.failure(), f"topic '{job.source}'", "UNKNOWN_TOPIC_OR_PART")

    def test_a_source_that_is_made_again_is_noticed_although_it_has_the_offsets(self):
        job = running(self)
        wire.delete_topics(self.address, [job.source])
        wire.create_topic(self.address, job.source)
        job.fill([row(i) for i in range(100, 110)])
        self.assert_says(job.failure(), f"(topic {job.source}), offset ", "has been deleted", OTHER_NAME)
        job.run()
        self.assert_says(job.failure(), f"topic '{job.source}' is not the one the job began with")

    def test_partitions_that_are_added_are_not_left_out_silently(self):
        job = running(self)
        wire.add_partitions(self.address, job.source, 2)
        self.assert_says(job.failure(), f"(topic {job.source}), offset 3: ",
                         "has 2 partitions and had 1 when it was opened", OTHER_NAME)
        job.run()
        self.assert_says(job.failure(), "partitions of source events: 1 then, 2 now", OTHER_NAME)


class TruncatedTest(JobTest):
    def test_what_was_not_read_yet_and_is_truncated_stops_the_job(self):
        job = running(self)
        job.stop()
        job.fill([row(i) for i in range(3, 10)])
        wire.delete_records(self.address, job.source, {0: 3})  # all that is gone was read
        job.run()
        job.await_records(10)
        job.stop()
        job.fill([row(i) for i in range(10, 20)])
        wire.delete_records(self.address, job.source, {0: 15})
        job.run()
        self.assert_says(job.failure(), f"(topic {job.source}), offset 10: ", OTHER_NAME)
        self.assertEqual(10, len(job.records()))

    def test_a_truncation_is_noticed_by_a_job_that_runs(self):
        job = running(self)
        job.worker.send(signal.SIGSTOP)
        time.sleep(1)  # the fetch that was under way ends without a row
        job.fill([row(i) for i in range(3, 10)])
        wire.delete_records(self.address, job.source, {0: 8})
        job.worker.send(signal.SIGCONT)
        self.assert_says(job.failure(), f"(topic {job.source}), offset 3: ", OTHER_NAME)

    def test_what_was_truncated_behind_a_job_cannot_be_replayed_and_replay_says_so(self):
        job = running(self, 10)
        job.stop()
        wire.delete_records(self.address, job.source, {0: 4})
        replayed = job.replay()
        self.assertEqual(3, replayed.returncode, replayed.stderr)
        self.assert_says(replayed.stderr, "up to offset 10 the job has read 10 records, and 6 of them can be read again")


class OwnTopicsTest(JobTest):
    def stopped(self):
        """A job with a re-key that has read some rows and was stopped."""
        job = self.job(WINDOW)
        job.topics()
        job.fill([row(i) for i in range(10)] + [row(99)])
        job.run()
        job.await_records(10)
        job.stop()
        return job

    def test_a_job_whose_journal_was_deleted_does_not_begin_anew(self):
        job = self.stopped()
        wire.delete_topics(self.address, [job.own("journal")])
        job.run()
        self.assert_says(job.failure(), f"topic '{job.own('journal')}' is missing, and '{job.own('events-to-recent')}' is there")
        # With all its topics gone the snapshots know of it.
        wire.delete_topics(self.address, [job.own("events-to-recent")])
        job.run()
        self.assert_says(job.failure(), "there is a snapshot at journal position", "and the journal is empty")
        self.assertEqual(10, len(job.records()))


class WrittenTest(JobTest):
    def running(self, deleted):
        job = self.job()
        job.topics()
        job.fill([row(0)])
        job.run()
        job.await_records(1)
        wire.delete_topics(self.address, [deleted(job)])
        job.fill([row(1)])
        return job

    def test_topics_that_are_written_and_are_deleted_or_emptied_stop_the_job(self):
        # At the same time, because brokers are given their time.
        with_sink = self.running(lambda job: job.sink)
        with_journal = self.running(lambda job: job.own("journal"))
        emptied = OwnTopicsTest.stopped(self)
        between = emptied.own("events-to-recent")
        wire.delete_topics(self.address, [between])
        emptied.run()
        self.assert_says(emptied.failure(), f"topic '{between}' is missing")
        wire.create_topic(self.address, between, 2, {"retention.ms": -1, "max.message.bytes": 2000000})
        emptied.run()
        self.assert_says(with_sink.failure(), f"topic '{with_sink.sink}' is gone, and the job writes to it")
        self.assert_says(with_journal.failure(), f"topic '{with_journal.own('journal')}' is gone, and the job writes to it")
        self.assert_says(emptied.failure(), "events-to-recent[", "the journal says it was read up to", "have lost it")
        # A sink that is made again gets what was not committed.
        wire.create_topic(self.address, with_sink.sink, 1, {"retention.ms": -1})
        with_sink.run()
        self.assertEqual(["r1"], [value["id"] for _, _, value in with_sink.await_records(1)])
        with_sink.stop()

    def test_a_sink_may_get_more_partitions(self):
        job = self.job()
        job.topics()
        job.fill([row(i) for i in range(20)])
        job.run()
        job.await_records(20)
        wire.add_partitions(self.address, job.sink, 3)
        job.fill([row(i) for i in range(20, 40)])
        job.await_records(40)
        job.stop()
        job.run()
        job.fill([row(i) for i in range(40, 60)])
        self.assertEqual({f"r{i}" for i in range(60)}, {value["id"] for _, _, value in job.await_records(60)})
        job.stop()


class CompactionTest(JobTest):
    SETTINGS = {"log.cleaner.backoff.ms": 100, "log.retention.check.interval.ms": 500}

    def compact(self, job, key, first):
        """Until a later record of the key has pushed out the one at offset `first`."""
        end = time.monotonic() + 15
        number = 0
        while time.monotonic() < end:
            number += 1
            job.fill([row(100 + number, id=key)])
            time.sleep(0.3)  # a new segment, after segment.ms
            kept = [place for place in self.offsets(job) if place == first]
            if not kept:
                return
        raise AssertionError("nothing was compacted")

    @staticmethod
    def offsets(job):
        import subprocess  # pylint: disable=import-outside-toplevel
        import tempfile  # pylint: disable=import-outside-toplevel
        from small_job import LOAD  # pylint: disable=import-outside-toplevel
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([LOAD, "drain", "--brokers", job.address, "--topic", job.source, "--out", folder], check=True,
                           stdout=subprocess.DEVNULL)
            return [int(line.split("\t")[0]) for line in
                    (pathlib.Path(folder) / "0.tsv").read_text(encoding="utf-8").split("\n")[:-1]]

    def test_a_compacted_source_is_read_and_what_is_gone_since_only_replay_misses(self):
        job = self.job()
        job.topics(source={"cleanup.policy": "compact", "segment.ms": 100, "min.cleanable.dirty.ratio": 0.01,
                           "max.compaction.lag.ms": 200})
        job.fill([row(0, "first", id="a"), row(1, id="b")])
        job.run()
        job.await_records(2)
        job.stop()
        self.compact(job, "a", 0)
        written = len(job.records())
        job.run()  # reads on, over gaps
        job.await_records(written + 1)
        job.stop()
        replayed = job.replay()
        self.assertEqual(3, replayed.returncode, replayed.stderr)
        self.assert_says(replayed.stderr, "can be read again: retention, compaction or somebody has removed the others")


if __name__ == "__main__":
    unittest.main()
