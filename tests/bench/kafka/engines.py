"""The engines that are compared: one process each, pinned to a core, from a topic to a topic."""

import json
import os
import pathlib
import signal
import subprocess

import java
import wire

HERE = pathlib.Path(__file__).resolve().parent
NUM_PARTITIONS = 2  # of sources, sinks and topics between stages
TICKS = os.sysconf("SC_CLK_TCK")
END_S = 30

# What bin/config.sh and conf/config.yaml of Flink's distribution give to Java 17 and later.
OPENED = ("java.lang", "java.net", "java.io", "java.nio", "sun.nio.ch", "java.lang.reflect", "java.text", "java.time",
          "java.util", "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks")
FLINK_SETTINGS = {
    "parallelism.default": "1",
    "pipeline.object-reuse": "true",
    "execution.checkpointing.mode": "EXACTLY_ONCE",
    "execution.checkpointing.storage": "filesystem",
    "execution.checkpointing.incremental": "true",
    "taskmanager.memory.managed.size": "1g",
    "taskmanager.memory.network.min": "128m",
    "taskmanager.memory.network.max": "128m",
    "table.local-time-zone": "UTC",
}


class EngineError(Exception):
    """An engine ended, or gave nothing; the message has the end of what it said."""


def cpu_seconds(pid):
    """User and system time of a process, all its threads and the children that it has waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / TICKS


class Engine:
    """A running engine. `core`: its own."""

    name = ""
    label = ""

    def __init__(self, bench, query, source, sink):
        self.bench, self.query, self.source, self.sink = bench, query, source, sink
        self.folder = bench.new_folder(self.name)
        self.process = None

    def command(self):
        raise NotImplementedError

    def start(self):
        with open(self.folder / "output", "w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(self.bench.core), *map(str, self.command())],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        return self

    def cpu_seconds(self):
        if self.process.poll() is not None:
            raise EngineError(f"{self.label} ended with exit code {self.process.returncode}: {self.output()[-3000:]}")
        return cpu_seconds(self.process.pid)

    def output(self):
        return (self.folder / "output").read_text(encoding="utf-8", errors="replace")

    def num_transactions(self):
        """So far; None: only known otherwise."""
        return None

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def fill_in(self, name, extra=None):
        """A file of this folder with what stands in capitals in it filled in."""
        text = (HERE / name).read_text(encoding="utf-8")
        group = self.sink.replace("_", "-")
        values = {"BROKERS": self.bench.broker.address, "SOURCE": self.source, "SINK": self.sink, "GROUP": group}
        for key, value in (values | (extra or {})).items():
            text = text.replace(key, str(value))
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


class StreamML(Engine):
    name = "streamml"

    def __init__(self, bench, query, source, sink, build, lanes):
        super().__init__(bench, query, source, sink)
        self.build, self.lanes = build, lanes
        self.label = f"StreamML, {lanes} lane{'s' if lanes > 1 else ''}"

    def command(self):
        job = self.fill_in(f"{self.query}.yaml", {"LANES": self.lanes})
        return [self.build / "worker/cli/streamml", "run", job, "--data-dir", self.folder / "data"]

    def num_transactions(self):
        """Each leaves a record and a marker in a journal."""
        topic = f"streamml.{self.sink.replace('_', '-')}.1.journal"
        count = len(wire.metadata(self.bench.broker.address)[1].get(topic, {}))
        return sum(wire.ends(self.bench.broker.address, topic, count).values()) // 2 if count else 0


class BareLoop(Engine):
    name, label = "bare", "bare loop"

    def command(self):
        return [self.bench.tool, "copy", "--brokers", self.bench.broker.address, "--from", self.source, "--to", self.sink]

    def totals(self):
        """{"rows", "transactions"} of a stopped loop."""
        return json.loads(self.output().splitlines()[-1])


class Flink(Engine):
    name = "flink"

    def __init__(self, bench, query, source, sink, backend, checkpoint_s):
        super().__init__(bench, query, source, sink)
        self.backend, self.checkpoint_s = backend, checkpoint_s
        self.label = f"Flink, {backend}"

    def command(self):
        settings = FLINK_SETTINGS | {
            "state.backend.type": self.backend,
            "execution.checkpointing.interval": f"{self.checkpoint_s}s",
            "execution.checkpointing.dir": f"file://{self.folder}/checkpoints",
            "io.tmp.dirs": str(self.folder),
        }
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
        return [self.bench.flink.java, "-Xms3g", "-Xmx3g", "-Duser.timezone=UTC", "-Dlog4j2.level=WARN", *opened,
                *self.bench.java_options, "-cp", self.bench.flink.path, "SqlJob", self.fill_in(f"{self.query}.sql"),
                *(f"{name}={value}" for name, value in settings.items())]


class FlinkProgram:
    """SqlJob.java, compiled beside Flink's jars."""

    def __init__(self, folder):
        jars = java.jars(HERE / "pom.xml")
        self.java = java.executable()
        self.version = next(jars.glob("flink-runtime-*.jar")).stem.rsplit("-", 1)[1]
        libraries = ":".join(str(jar) for jar in sorted(jars.glob("*.jar")))
        outcome = subprocess.run([self.java, "-cp", libraries, "org.eclipse.jdt.internal.compiler.batch.Main", "-21",
                                  "-nowarn", "-cp", libraries, "-d", folder, HERE / "SqlJob.java"],
                                 capture_output=True, text=True, check=False)
        if outcome.returncode != 0:
            raise EngineError(f"SqlJob.java does not compile: {outcome.stdout}{outcome.stderr}")
        self.path = f"{folder}:{libraries}"
