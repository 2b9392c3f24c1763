"""Series of lives of a job on Kafka: rows come in at a rate, and workers, broker and data folders are lost in ways
that are dealt out, until the job is let finish; then all is compared with the undisturbed run and replayed."""

import collections
import random
import re
import signal
import time

import kill_job
import wire

# What befalls the job, dealt out in this order. In a sample each of the first eight comes once.
#   before, during, after, init   a call of the client in which the worker kills itself, see killing_client.cc
#   outside   a kill -9 of the worker at any time
#   wiped     the same, and the data folder is lost
#   broker    a kill -9 of the broker, which comes back soon; the worker goes on by itself
#   absent    the broker is killed, the worker gets a SIGTERM and must end before the broker is back
#   fenced    the worker stands still for longer than a transaction may be open; another one takes its place
KINDS = ("during", "broker", "before", "wiped", "fenced", "init", "outside", "during",
         "before", "during", "broker", "during", "absent", "before", "after", "during",
         "broker", "init", "before", "during")
INSIDE = ("before", "during", "after", "init")
KILLS_PER_SERIES = 10
SECONDS_PER_KILL = 6  # that rows come in
MAX_COMMIT = 250  # of one life, among which the fatal one is chosen; claims are the first seven
MAX_MICROSECONDS = {"init": 40000, "before": 30000, "during": 15000, "after": 0}
PATIENCE_S = 90
QUIET_S = 1.5
MAX_STOP_S = 8  # without a broker: three seconds of patience, and a busy machine
OTHER_OWNER = re.compile(r"was written by another owner .*another process runs this job")
EXIT_OTHER_OWNER = 4


class Counts:
    """What happened in all series."""

    def __init__(self):
        self.kills = collections.Counter()    # by kind
        self.found = collections.Counter()    # by what was true of them
        self.back_s = collections.defaultdict(list)  # from a loss to the next committed output
        self.passed = 0


class Series:
    def __init__(self, job, number, seed, counts, expected, tell):
        self.job, self.counts, self.expected, self.tell = job, counts, expected, tell
        self.rng = random.Random(f"series {seed} {number}")
        self.number, self.worker, self.follower = number, None, None
        self.data, self.num_data = f"series-{number}", 0
        self.filling, self.journal = None, None  # where the journal ended when the worker was started
        self.lost = None  # (when, ends of the output then, what): no output has come since

    def run(self, kinds):
        """Raises Failure."""
        self.job.reset()
        self.filling = self.job.fill(self.job.num_rows // (SECONDS_PER_KILL * (len(kinds) + 1)))
        self.follower = kill_job.Follower(self.job.load, self.job.broker.address, kill_job.SINKS[0])
        try:
            for kind in kinds:
                getattr(self, f"be_{'inside' if kind in INSIDE else kind}")(kind)
                self.note_arrival()
            self.start()
            end = time.monotonic() + PATIENCE_S
            while self.filling.alive and time.monotonic() < end:
                self.watch(0.1)
            if self.filling.wait(0) != 0:
                raise kill_job.Failure(f"kafka_load fill: {self.filling.output}")
            self.finish()
        finally:
            for process in (self.filling, self.worker):
                if process:
                    process.end()
            self.follower.close()

    # ---- what befalls it

    def be_inside(self, kind):
        """The worker kills itself, inside a call."""
        if self.worker:  # of a kind that leaves it running
            self.stop_in_order()
        report = self.job.folder / "report"
        report.unlink(missing_ok=True)
        number = 1 + self.rng.randrange(kill_job.NUM_LANES if kind == "init" else MAX_COMMIT)
        plan = f"{kind}:{number}:{self.rng.randrange(MAX_MICROSECONDS[kind] + 1)}:{report}"
        self.start(plan)
        code, end = None, time.monotonic() + 25
        while code is None and time.monotonic() < end and not self.all_quiet():
            code = self.watch(0.5)
        if code is None:  # its turn did not come: there was little to do
            return self.kill_now("outside", "too little to do for " + plan.rsplit(":", 1)[0])
        if code != -signal.SIGKILL:
            raise kill_job.Failure(f"{kind}: the worker ended with exit code {code}:\n{self.worker.output}")
        place, state = report.read_text(encoding="ascii").split()
        return self.count_kill(place, f"{state} call {number}")

    def be_outside(self, kind):
        self.start()
        self.watch(self.rng.uniform(0.05, 2.5))
        self.kill_now(kind, "")

    def be_wiped(self, kind):
        self.start()
        self.watch(self.rng.uniform(1, 3))
        self.kill_now(kind, "and the data folder is deleted")
        self.job.forget(self.data)
        self.lost = (*self.lost[:2], "folder")

    def be_broker(self, kind):
        self.start()
        self.watch(self.rng.uniform(0.5, 3))
        ends, started = self.ends(), time.monotonic()
        self.job.broker.kill()
        away = self.rng.choice((0, 0, 1, 4))
        self.watch(away)
        self.job.broker.start()
        back = time.monotonic()
        self.counts.kills[kind] += 1
        self.tell(f"broker    kill -9; it serves again after {back - started:.1f} s")
        self.lost = (back, ends, "broker")
        self.await_output(10)

    def be_absent(self, kind):
        self.start()
        self.watch(self.rng.uniform(1, 3))
        self.job.broker.kill()
        time.sleep(self.rng.choice((0, 0.5, 5)))
        self.worker.send(signal.SIGTERM)
        started = time.monotonic()
        code = self.worker.wait(30)
        took = time.monotonic() - started
        if code not in (-signal.SIGTERM, 0, 1) or took > MAX_STOP_S:
            raise kill_job.Failure(f"SIGTERM without a broker: exit code {code} after {took:.1f} s:\n{self.worker.output}")
        self.worker.end()
        self.worker = None
        self.job.broker.start()
        self.counts.kills[kind] += 1
        self.tell(f"absent    kill -9 of the broker; SIGTERM ended the worker after {took:.1f} s, code {code}")

    def be_fenced(self, kind):
        """Another worker takes over, with a data folder of its own, while this one stands still."""
        self.start()
        self.await_running()
        self.watch(self.rng.uniform(0, 1))
        old, paused = self.worker, time.monotonic()
        old.send(signal.SIGSTOP)
        self.num_data += 1
        self.data = f"series-{self.number}-{self.num_data}"
        self.lost = (paused, self.ends(), "folder")
        self.journal = self.job.journal_ends()
        self.worker = self.job.run(self.data)
        self.watch(kill_job.TRANSACTION_TIMEOUT_S + 1.5)
        old.send(signal.SIGCONT)
        continued = time.monotonic()
        code = old.wait(30)
        took = time.monotonic() - continued
        old.end()
        if code != EXIT_OTHER_OWNER or not OTHER_OWNER.search(old.output):
            raise kill_job.Failure(f"the worker that was replaced ended with exit code {code}:\n{old.output}")
        if not self.worker.alive:
            raise kill_job.Failure(f"the worker that replaced another one has ended:\n{self.worker.output}")
        self.counts.kills[kind] += 1
        self.tell(f"fenced    stood still for {continued - paused:.1f} s, ended {took:.1f} s after it went on, code {code}")

    # ---- how

    def start(self, kill_plan=None):
        if self.worker is None:
            self.journal = self.job.journal_ends()
            self.worker = self.job.run(self.data, kill_plan)

    def has_claimed(self):
        """The worker has opened its lanes: it gives heed to signals, and a summary when it is stopped."""
        now = self.job.journal_ends()
        return bool(now) and all(end > self.journal.get(lane, 0) for lane, end in now.items())

    def all_quiet(self):
        return not self.filling.alive and self.has_claimed() and time.monotonic() - self.follower.last_s > 3

    def watch(self, seconds):
        """Lets the worker run for so long; its exit code if it ends. That is a failure only for who did not expect it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.follower.look(0.0)
            code = self.worker.wait(min(0.05, max(0.0, end - time.monotonic())))
            self.note_arrival()
            if code is not None:
                if code != -signal.SIGKILL:
                    raise kill_job.Failure(f"the worker ended with exit code {code}:\n{self.worker.output}")
                return code
        return None

    def ends(self):
        return wire.ends(self.job.broker.address, kill_job.SINKS[0], kill_job.NUM_PARTITIONS)

    def kill_now(self, kind, words):
        self.worker.send(signal.SIGKILL)
        self.worker.wait(10)
        self.count_kill(kind, words)

    def count_kill(self, kind, words):
        """The worker is dead. What brokers know of its transactions tells whether it died inside one."""
        moment = time.monotonic()
        states = wire.transactions(self.job.broker.address, kill_job.TRANSACTIONAL_IDS)
        num_open = sum(state in ("Ongoing", "PrepareCommit", "PrepareAbort") for state in states.values())
        self.lost = (moment, self.ends(), "worker")
        # A life that has not claimed its lanes has opened none of these: they are of the one before.
        left_open = num_open > 0 and self.has_claimed()
        in_call = words.startswith("open")
        self.worker.end()
        self.worker = None
        self.counts.kills[kind] += 1
        self.counts.found["left a transaction of its own open at the broker"] += left_open
        self.counts.found["inside a commit, or just before it"] += in_call and kind != "init"
        self.counts.found["inside a transaction, by one of these"] += left_open or (in_call and kind != "init")
        self.tell(f"{kind:<9} {words or 'kill -9'}; {num_open} transactions left open")

    def note_arrival(self):
        """Whether output has come since the last loss, and when."""
        self.follower.look()
        if self.lost is None:
            return
        moment, ends, what = self.lost
        arrived = self.follower.first_beyond(ends)
        if arrived is not None:
            self.counts.back_s[what].append(arrived - moment)
            self.lost = None
            self.tell(f"          output again {arrived - moment:.2f} s after the loss")

    def await_output(self, seconds):
        end = time.monotonic() + seconds
        while self.lost and time.monotonic() < end:
            self.watch(0.05)

    def await_running(self):
        """Until the worker has opened its lanes and its output comes; with all rows through already, not for long."""
        ends, end = self.ends(), time.monotonic() + 10
        while self.follower.first_beyond(ends) is None and time.monotonic() < end:
            self.watch(0.05)

    def stop_in_order(self):
        self.worker.send(signal.SIGTERM)
        code = self.worker.wait(20)
        if code != 0:
            raise kill_job.Failure(f"SIGTERM: the worker ended with exit code {code}:\n{self.worker.output}")
        self.worker = None

    def finish(self):
        """All rows are in; the job is let come to their end."""
        expected = sum(map(len, self.expected["topics"][kill_job.SINKS[0]]))
        end = time.monotonic() + PATIENCE_S
        journal, since = None, time.monotonic()  # nothing has been committed since
        while self.follower.total < expected or not self.has_claimed() or time.monotonic() - since < QUIET_S:
            self.watch(0.1)
            ends = self.job.journal_ends()
            if ends != journal:
                journal, since = ends, time.monotonic()
            if time.monotonic() > end:
                raise kill_job.Failure(f"{self.follower.total} of {expected} records have come:\n{self.worker.output}")
        self.stop_in_order()
        problem = kill_job.difference(self.expected, self.job.outcome(self.data), self.job.train)
        if problem:
            raise kill_job.Failure(problem)
        code, output = self.job.replay(f"{self.data}-clean")
        if code != 0 or "everything is equal" not in output:
            raise kill_job.Failure(f"replay --all ended with exit code {code}:\n{output}")
