"""The job that is killed: its data, its manifest, its runs and what a finished run left."""

import json
import os
import pathlib
import random
import subprocess

MANIFEST = """\
apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: kill}
spec:
  log: {partitions: 32}                  # each block of a file becomes up to 32 commits of the windows' lanes
  sources:
  - name: payments
    file: none.jsonl                     # bound on the command line
    format: json
    columns:
    - {name: id, type: text}
    - {name: card, type: text}
    - {name: amount, type: double precision}
    - {name: divisor, type: bigint}
    - {name: at, type: timestamp, unit: ms}
    - {name: fraud, type: boolean}
    watermark: {column: at, delay: 5s}
  views:
  - name: features
    sql: |
      SELECT id, card, at, amount, 100 / divisor AS share, fraud,
             count(*) OVER recent AS payments, sum(amount) OVER recent AS total
      FROM payments WHERE amount IS NULL OR amount < 80000
      WINDOW recent AS (PARTITION BY card ORDER BY at RANGE INTERVAL '2 minutes' PRECEDING)
  models:
  - name: risk
    score: features
    train: {from: features, label: fraud, mode: inline}
    features:
      numeric: [amount, payments, total]
      scale: standard
      categorical: [{columns: [card]}]
      hashBits: 8
    learner: {name: ftrl, parameters: {alpha: 0.1}}
    metrics: [logloss, auc, accuracy]
  sinks:
  - {name: scores, from: risk}
  - {name: windows, sql: "SELECT id, card, payments, total FROM features WHERE payments > 1"}
  workers: {lanes: LANES}
"""
NUM_FILES = 3
MODEL_SINK = "scores"
MODEL_LANE = "risk[0]"


def make_record(rng, time, name):
    """One line: mostly good; sometimes broken, late, without a value, or failing in an operator."""
    if rng.randrange(80) == 0:
        return '{"id": oops'
    if rng.randrange(30) == 0:
        time -= 5000 + rng.randrange(20000)
    amount = None if rng.randrange(20) == 0 else rng.randrange(90000) + 0.25
    fraud = rng.randrange(90000) < (amount or 20000) / 2
    return json.dumps({"id": name, "card": f"c{rng.randrange(500)}", "amount": amount,
                       "divisor": rng.randrange(40), "at": time, "fraud": fraud})


def make_file(path, rng, num_rows):
    time = 1772323200000 + rng.randrange(60000)  # files start apart, so rows of one wait for another
    with open(path, "w", encoding="ascii") as out:
        for row in range(num_rows):
            if rng.randrange(3):
                time += rng.randrange(300)
            out.write(make_record(rng, time, f"{path.stem}-{row}") + "\n")


class Job:
    """The command on this job in `folder`; every run has a data folder of its own there."""

    def __init__(self, folder, binary, seed, num_rows):
        self.folder = pathlib.Path(folder)
        self.binary = binary
        rng = random.Random(seed)
        self.inputs = []
        for index in range(NUM_FILES):
            path = self.folder / f"payments-{index}.jsonl"
            make_file(path, rng, num_rows // NUM_FILES)
            self.inputs.append(path.name)

    def command(self, verb, data, arguments=(), lanes=2, reverse=False):
        manifest = self.folder / f"lanes-{lanes}.yaml"
        if not manifest.exists():
            manifest.write_text(MANIFEST.replace("LANES", str(lanes)), encoding="ascii")
        binds = [part for name in (reversed(self.inputs) if reverse else self.inputs)
                 for part in ("--bind", f"payments={name}")]
        return [self.binary, verb, manifest.name, *binds, "--data-dir", data, *arguments]

    def start(self, command, kill_plan=None):
        environment = dict(os.environ)
        if kill_plan:
            environment["STREAMML_KILL"] = kill_plan
        # A file, not a pipe: nobody reads while the process is let run.
        with open(self.folder / "output", "w", encoding="utf-8") as output:
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=subprocess.STDOUT)

    def finish(self, process):
        """The exit code, negative for a signal, and what was printed."""
        try:
            code = process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = None
        return code, (self.folder / "output").read_text(encoding="utf-8", errors="replace")

    def call(self, command):
        return self.finish(self.start(command))

    def outcome(self, data):
        """What a finished run left, which I2 says is the same for all."""
        summary = json.loads((self.folder / f"{data}.json").read_text(encoding="utf-8"))
        root = self.folder / data
        parts = {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.glob("*/*.jsonl"))}
        return {
            "parts": {name: content for name, content in parts.items() if content},
            "lanes": {lane["name"]: lane for lane in summary["lanes"]},
            "counts": [summary[name] for name in ("finished", "rows", "late", "dead", "stages", "models")],
        }


def difference(expected, seen):
    """The first difference of two outcomes for people; empty when there is none."""
    for name in sorted(expected["parts"].keys() | seen["parts"].keys()):
        left, right = expected["parts"].get(name, b""), seen["parts"].get(name, b"")
        if left != right:
            byte = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b), min(len(left), len(right)))
            return f"{name} differs from byte {byte} on ({len(left)} bytes expected, {len(right)} seen)"
    for name in sorted(expected["lanes"].keys() | seen["lanes"].keys()):
        for digest in ("outputDigest", "stateDigest", "watermark", "finished"):
            left, right = (o["lanes"].get(name, {}).get(digest) for o in (expected, seen))
            if left is None or left != right:
                return f"{digest} of lane {name} is {right} and not {left}"
    if expected["counts"] != seen["counts"]:
        return f"the summary counts {seen['counts']} and not {expected['counts']}"
    return ""


def difference_of_lanes(expected, seen):
    """The same for runs with other numbers of lanes: a sink of several lanes has the same lines in some order."""
    def lines(outcome):
        folders = {}
        for name, content in outcome["parts"].items():
            folders.setdefault(name.split("/")[0], []).extend(content.splitlines())
        return {folder: rows if folder == MODEL_SINK else sorted(rows) for folder, rows in folders.items()}
    left, right = lines(expected), lines(seen)
    for folder in sorted(left.keys() | right.keys()):
        if left.get(folder) != right.get(folder):
            return f"the rows of {folder} differ ({len(left.get(folder, []))} expected, {len(right.get(folder, []))} seen)"
    if MODEL_LANE not in seen["lanes"]:  # one lane runs the whole job; its digests cover more than the model
        return ""
    for digest in ("outputDigest", "stateDigest"):
        if expected["lanes"][MODEL_LANE][digest] != seen["lanes"][MODEL_LANE][digest]:
            return f"{digest} of lane {MODEL_LANE} differs"
    return ""
