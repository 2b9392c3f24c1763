"""A real Kafka broker for tests: one node, ports of its own, killed and started again as often as a test likes.

    with Broker() as broker:
        broker.create_topic("events", partitions=3)
        run(env={"KAFKA": broker.address})
        broker.kill()       # SIGKILL
        broker.start()      # the same data, the same ports

Its jars must be there (`./dev kafka` and `./dev kafka-test` see to that). The broker dies with the thread that
started it, however that ends, so start it from a thread that stays. Not for use by several threads at once.
"""

import base64
import fcntl
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import certificates
import java
import settings as server_settings
import wire

QUICK_START = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
FULL_SPEED = ("-Xms1g", "-Xmx1g", "-XX:+UseG1GC")
FOLDER_PREFIX = "streamml-kafka-"
LEFTOVER_S = 60  # a temporary folder that is younger may be one that is just being made


class BrokerError(Exception):
    """The broker could not be started; the message has the end of its log."""


def free_ports(names):
    """Below the range that the kernel gives to clients: a client that retries a dead port of that range can end up
    connected to itself, and the broker could then not come back."""
    low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    floor = 10000 if low > 12000 else 1024
    ports = {}
    for _ in range(1000):
        with socket.socket() as probe:
            port = random.SystemRandom().randrange(floor, low)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in ports.values():
            ports[names[len(ports)]] = port
        if len(ports) == len(names):
            return ports
    raise BrokerError(f"no free port between {floor} and {low}")


class Broker:
    def __init__(self, folder=None, *, secure=False, full_speed=False, settings=None, log_level="INFO",
                 host="127.0.0.1", enter=()):
        """folder: for data, settings and log; None: a temporary one, gone after close(). secure: also listeners
        SASL, TLS and SASL_TLS (users and mechanisms in settings.py, certificates in certificates/). full_speed: the
        heap, compiler and session timeout of a real broker, which (re)starts slower. settings: over those of
        settings.py. host: its address, where it is not this machine's loopback; enter: words before its command that
        bring it there."""
        self._lock = None
        self._temporary = folder is None
        self.folder = self._temporary_folder() if self._temporary else pathlib.Path(folder).resolve()
        self._secure, self._full_speed, self._log_level = secure, full_speed, log_level
        self._settings = {} if full_speed else dict(server_settings.QUICK_RETURN)
        self._settings |= {key: str(value) for key, value in (settings or {}).items()}
        self._host, self._enter = host, list(enter)
        self._ports, self._process, self._log_start = {}, None, 0
        jars = java.jars()
        self._server = java.Program("kafka.Kafka", jars)
        self._storage_tool = java.Program("kafka.tools.StorageTool", jars)

    # ---- what it is

    @property
    def address(self):
        return self.listener("PLAIN")

    def listener(self, name):
        """HOST:PORT of PLAIN, SASL, TLS or SASL_TLS; known from the first start on."""
        return f"{self._host}:{self._ports[name]}"

    @property
    def pid(self):
        return self._process.pid if self.running else None

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    @property
    def certificates(self):
        return self.folder / "certificates"

    def environment(self):
        """What a program under test gets: KAFKA, and with secure KAFKA_SASL, KAFKA_TLS, KAFKA_SASL_TLS, ..."""
        values = {"KAFKA": self.address, "KAFKA_PID": str(self.pid), "KAFKA_FOLDER": str(self.folder)}
        if self._secure:
            values |= {f"KAFKA_{name}": self.listener(name) for name in server_settings.SECURE_LISTENERS}
            values["KAFKA_CERTIFICATES"] = str(self.certificates)
        return values

    # ---- its life

    def start(self, timeout_s=90):
        """Returns when it serves all partitions that it has; its ports stay the same from the first start on."""
        if self.running:
            raise BrokerError("the broker is running")
        for attempt in range(5):
            first = not self._ports
            if first:
                self._prepare()
            self._launch()
            try:
                self._await(timeout_s)
                return self
            except BrokerError:
                self.kill()
                if not first or attempt == 4 or "failed to bind" not in self._log():
                    raise
                self._ports = {}  # somebody else was quicker: other ports

    def stop(self, timeout_s=60):
        """SIGTERM, as an operator would: the broker's clean shutdown."""
        if not self.running:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BrokerError(f"the broker did not end within {timeout_s} s of a SIGTERM") from None
        self._server.after_exit(clean=True)

    def kill(self):
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._server.after_exit(clean=False)

    def pause(self):
        """From now on it answers nothing: its last thread has stopped when this returns."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        """Ends it, and deletes its folder if that is temporary."""
        if not self._temporary or self._server.wants_clean_exit:
            self.stop()
        self.kill()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)
            os.close(self._lock)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    # ---- topics, in milliseconds (Kafka's own tools take a second: bin/kafka)

    def create_topic(self, name, partitions=1, settings=None):
        wire.create_topic(self.address, name, partitions, settings)

    def topics(self):
        """{topic: {partition: leader, or -1 while it has none}}"""
        return wire.metadata(self.address)[1]

    # ---- how

    def _temporary_folder(self):
        _sweep()
        folder = pathlib.Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        self._lock = os.open(folder, os.O_RDONLY)  # the broker inherits it: held while either lives
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return folder

    def _prepare(self):
        names = ["PLAIN", "CONTROLLER"]
        if self._secure:
            names += server_settings.SECURE_LISTENERS
            certificates.make(self.certificates)
        self._ports = free_ports(names)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "server.properties").write_text(
            server_settings.properties(self.folder, self._host, self._ports, self._settings))
        if not (self.folder / "data" / "meta.properties").exists():
            self._format()

    def _format(self):
        cluster = "-"
        while cluster.startswith("-"):
            cluster = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        arguments = ["format", "--cluster-id", cluster, "--config", self.folder / "server.properties"]
        if self._secure:
            for name, password in server_settings.USERS.items():
                for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                    arguments += ["--add-scram", f"{mechanism}=[name={name},password={password}]"]
        self._storage_tool.run(QUICK_START, arguments)

    def _launch(self):
        options = FULL_SPEED if self._full_speed else QUICK_START
        command = self._server.command(options, self._log_level, [self.folder / "server.properties"])
        # If we are gone before the kernel knows that our death is to be its, it does not start.
        guard = ["setpriv", "--pdeathsig", "KILL", "bash", "-c", '[[ $PPID == "$0" ]] && exec "$@"', str(os.getpid())]
        with open(self.folder / "broker.log", "ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(guard + self._enter + command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             start_new_session=True,
                                             pass_fds=[] if self._lock is None else [self._lock])

    def _await(self, timeout_s):
        end = time.monotonic() + timeout_s
        reason = "it does not listen"
        while time.monotonic() < end:
            if not self.running:
                reason = f"it ended with exit code {self._process.returncode}"
                break
            try:
                num_brokers, topics, _ = wire.metadata(self.address, timeout_s=2)
                without = [name for name, leaders in topics.items() if min(leaders.values(), default=0) < 0]
                if num_brokers > 0 and not without:
                    return
                reason = f"topics without leader: {', '.join(sorted(without))}" if without else "it is fenced"
            except wire.WireError as error:
                reason = str(error)
            time.sleep(0.02)
        tail = "\n".join(self._log().splitlines()[-30:])
        raise BrokerError(f"the broker does not serve: {reason}\n{tail}")

    def _log(self):
        """What it has logged since its last start."""
        with open(self.folder / "broker.log", "rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")


def _sweep():
    """Removes temporary folders of which no process is alive any more."""
    for old in pathlib.Path(tempfile.gettempdir()).glob(FOLDER_PREFIX + "*"):
        try:
            if time.time() - old.stat().st_mtime < LEFTOVER_S:
                continue
            descriptor = os.open(old, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old, ignore_errors=True)
        except OSError:
            pass  # in use
        finally:
            os.close(descriptor)
