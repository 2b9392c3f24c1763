"""Lives of a job in one data folder, each ended by a kill -9, until it finishes; then the comparison."""

import collections
import math
import random
import signal
import time

import job

# The deaths that are dealt out, equally often. `outside`: at any time, by another process. `repair` is the part
# of a recovery that changes the disk; the rest of it reads.
KINDS = ("commit", "snapshot", "recovery", "outside", "commit", "snapshot", "repair", "outside")
PHASE_OF = {"repair": "recovery"}
CUTS = ("before", "half", "after")
# Operations of one life among which the fatal one is chosen: a fraction of what a whole run has.
MAX_OPERATION = {"commit": 1200, "snapshot": 160, "repair": 30, "recovery": 800}
COMMIT_OFTEN = ("--commit-rows", "4", "--commit-interval", "1ms", "--snapshot-interval", "40ms")
NOTES = ("unfinished transaction", "uncommitted bytes", "recovered from the snapshot", "crash left unfinished")


class Lives:
    def __init__(self, job_, seed, num_kills, undisturbed, seconds):
        self.job = job_
        self.rng = random.Random(f"lives {seed}")
        self.undisturbed = undisturbed
        self.seconds = seconds
        self.left = [KINDS[i % len(KINDS)] for i in range(num_kills)]
        self.rng.shuffle(self.left)
        self.kills = collections.Counter()    # by kind
        self.places = collections.Counter()   # by phase and operation
        self.notes = collections.Counter()    # what recoveries met
        self.passed = 0
        self.failures = []

    def run(self):
        series = 0
        while self.left and len(self.failures) < 3:
            problem = self.live_until_finished(f"series-{series}")
            if problem:
                self.failures.append(f"series-{series}: {problem}")
            else:
                self.passed += 1
            series += 1

    def live_until_finished(self, data):
        """One series. Returns what went wrong."""
        for life in range(1000):
            kind = self.take_kind(first=life == 0)
            code, output = self.live(data, kind)
            for note in NOTES:
                self.notes[note] += output.count(note)
            if code == 0:
                if kind:
                    self.left.append(kind)  # it came too late
                return self.compare(data)
            if code != -signal.SIGKILL:
                return f"life {life} ({kind}) ended with exit code {code}:\n{output}"
            self.kills[PHASE_OF.get(kind, kind)] += 1
        return "never finished"

    def take_kind(self, first):
        """The next death; a first life has nothing to recover. None: this life is let finish."""
        for index, kind in enumerate(self.left):
            if not (first and kind in ("recovery", "repair")):
                return self.left.pop(index)
        return None

    def live(self, data, kind):
        command = self.job.command("run", data, (*COMMIT_OFTEN, "--summary", f"{data}.json"))
        if kind is None:
            return self.job.call(command)
        if kind == "outside":
            delay = self.rng.uniform(0, 0.3 * self.seconds)
            process = self.job.start(command)
            time.sleep(delay)
            process.kill()
            return self.job.finish(process)
        report = self.job.folder / "report"
        report.unlink(missing_ok=True)
        code, output = self.job.finish(self.job.start(command, f"{self.choose(kind)}:{report.name}"))
        if code == -signal.SIGKILL:
            phase, cut, operation, _ = report.read_text(encoding="utf-8").split("\t")
            self.places[f"{phase}: {cut} {operation}" if cut != "half" else f"{phase}: half an append"] += 1
        return code, output

    def choose(self, kind):
        limit = MAX_OPERATION[kind]
        operation = 1 + self.rng.randrange(limit)
        if kind == "recovery":  # a young journal is short: small numbers as often as large ones
            operation = int(math.exp(self.rng.uniform(0, math.log(limit))))
        return f"{kind}:{operation}:{self.rng.choice(CUTS)}"

    def compare(self, data):
        problem = job.difference(self.undisturbed, self.job.outcome(data))
        if problem:
            return problem
        code, output = self.job.call(self.job.command("replay", data, ("--all",)))
        if code != 0 or "MISMATCH" in output:
            return f"replay --all ended with exit code {code}:\n{output}"
        return ""
