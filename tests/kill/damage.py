"""Damage to the tails of a stopped job's files: the next run finishes with the same outputs, or refuses and says
where and what to do."""

import collections
import os
import random
import re
import shutil
import signal
import time

import job
from lives import COMMIT_OFTEN

WHERE = re.compile(r"(byte|position|transaction|record) \d+")
WAY_OUT = re.compile(r"way out|start over|put .* back|another --data-dir")


def truncate(content, rng):
    places = [0, 1, len(content) // 2, len(content) - 1, len(content) - 1 - rng.randrange(64)]
    return content[:max(0, rng.choice(places))]


def flip(content, rng):
    tail = rng.choice([1, 16, 256, max(1, len(content) // 4)])
    place = max(0, len(content) - 1 - rng.randrange(tail))
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1:]


def tear(content, rng):
    """The last bytes are not what was written: zeros or garbage, within the file's length."""
    length = 1 + rng.randrange(min(512, len(content)))
    return content[:-length] + (bytes(length) if rng.randrange(2) else rng.randbytes(length))


def append(content, rng):
    length = 1 + rng.randrange(300)
    return content + (bytes(length) if rng.randrange(2) else rng.randbytes(length))


WAYS = (truncate, flip, tear, append)


def class_of(path):
    """Files of one class are written by the same code, so that a sample may take some of each."""
    name = path.name
    if "lane-" in str(path):
        return "log"
    kind = "lock" if name.lower() == "lock" else re.sub(r"[-0-9]+", "", name)
    return f"{'snapshots' if 'snapshots' in path.parts else 'db' if 'db' in path.parts else 'log'}/{kind}"


class Damages:
    def __init__(self, job_, seed, num_cases, undisturbed, seconds):
        self.job = job_
        self.rng = random.Random(f"damage {seed}")
        self.num_cases = num_cases
        self.undisturbed = undisturbed
        self.seconds = seconds
        self.finished = collections.Counter()  # by class
        self.refused = collections.Counter()
        self.failures = []

    def run(self):
        for base, signal_ in (("base-killed", signal.SIGKILL), ("base-stopped", signal.SIGTERM)):
            self.make_base(base, signal_)
        code, _ = self.job.call(self.job.command("run", "base-finished", COMMIT_OFTEN))
        assert code == 0
        for base, path, way in self.choose(["base-killed", "base-stopped", "base-finished"]):
            self.check(base, path, way)
            if len(self.failures) >= 5:
                return

    def make_base(self, data, signal_):
        """A data folder some way into the job, left by the signal."""
        for _ in range(3):
            process = self.job.start(self.job.command("run", data, COMMIT_OFTEN))
            time.sleep(self.seconds * 0.2)
            process.send_signal(signal_)
            self.job.finish(process)

    def choose(self, bases):
        """Cases by class in turn, so that the many files of RocksDB do not crowd out the logs."""
        by_class = {}
        for base in bases:
            for path in sorted((self.job.folder / base / ".streamml").rglob("*")):
                if path.is_file():
                    relative = path.relative_to(self.job.folder / base)
                    by_class.setdefault(class_of(relative), []).extend((base, relative, way) for way in WAYS)
        for cases in by_class.values():
            self.rng.shuffle(cases)
        chosen = []
        while len(chosen) < self.num_cases and any(by_class.values()):
            for name, cases in sorted(by_class.items()):
                for _ in range(6 if name == "log" else 1):
                    if cases:
                        chosen.append(cases.pop())
        return chosen[:self.num_cases]

    def check(self, base, path, way):
        data = "damaged"
        shutil.rmtree(self.job.folder / data, ignore_errors=True)
        shutil.copytree(self.job.folder / base, self.job.folder / data)
        file = self.job.folder / data / path
        content = file.read_bytes()
        if not content and way is not append:
            way = append
        damaged = way(content, self.rng)
        file.write_bytes(damaged)
        (self.job.folder / f"{data}.json").unlink(missing_ok=True)
        code, output = self.job.call(self.job.command("run", data, ("--summary", f"{data}.json")))
        problem = self.judge(code, output, path)
        if not problem:
            (self.finished if code == 0 else self.refused)[class_of(path)] += 1
            return
        kept = self.job.folder / f"failed-{len(self.failures)}"
        shutil.copytree(self.job.folder / base, kept, dirs_exist_ok=True)
        (kept / path).write_bytes(damaged)
        self.failures.append(f"{base}/{path}, {way.__name__}, {len(content)} bytes: {problem}\n"
                             f"  kept as {os.path.relpath(kept)}")

    def judge(self, code, output, path):
        if code == 0:
            return job.difference(self.undisturbed, self.job.outcome("damaged"))
        if code not in (3, 4):
            return f"exit code {code}:\n{output}"
        if not WHERE.search(output) and path.name not in output:
            return f"refused without a position:\n{output}"
        if not WAY_OUT.search(output):
            return f"refused without a way out:\n{output}"
        return ""
