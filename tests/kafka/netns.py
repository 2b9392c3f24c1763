"""Network namespaces of a test: one for the broker, and one for each worker, each with a link to the broker and a link
to the test, which can be cut. Packets on a link that is cut are lost without a word, as with a cable that is pulled.

    network = Network()
    place = network.add()                    # a namespace
    subprocess.run(place.inside(["ip", "addr"]))
    place.cut(); place.heal()
    network.close()

A namespace lives as long as a process of ours that sleeps in it, which dies with us: nothing is left behind.
"""

import os
import subprocess
import sys

ALONE = "STREAMML_NETWORK_ALONE"
BROKER = "10.77.255.1"  # of the broker, in all namespaces


class Unavailable(Exception):
    """There are no network namespaces here; the message says why."""


def _run(command):
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise Unavailable(f"{' '.join(command)}: {outcome.stderr.strip()}")


def be_alone():
    """Goes on in a namespace of our own, so that no link of a test is seen on the machine. Raises Unavailable."""
    if os.environ.get(ALONE) == str(os.getpid()):
        return
    _run(["unshare", "--net", "ip", "link", "set", "lo", "up"])
    # The process number stays the same over both.
    os.environ[ALONE] = str(os.getpid())
    script = 'ip link set lo up && exec "$@"'
    os.execvp("unshare", ["unshare", "--net", "sh", "-c", script, "sh", sys.executable, *sys.argv])


class _Namespace:
    def __init__(self):
        script = "ip link set lo up && echo up && exec sleep infinity"
        self._holder = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", script],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
        if self._holder.stdout.readline() != b"up\n":
            self.close()
            raise Unavailable("a network namespace cannot be made")

    @property
    def pid(self):
        return self._holder.pid

    def inside(self, command):
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *map(str, command)]

    def close(self):
        self._holder.kill()
        self._holder.wait()
        self._holder.stdout.close()


class Place(_Namespace):
    """One namespace beside the broker's. `address` is what the test reaches it by."""

    def __init__(self, number, broker):
        super().__init__()
        self._links = [(broker, f"broker{number}"), (None, f"test{number}")]
        self.address = f"10.78.{number}.2"
        for (other, name), net in zip(self._links, ("10.77", "10.78")):
            theirs = str(other.pid if other else os.getpid())
            _run(["ip", "link", "add", name, "netns", theirs, "type", "veth", "peer", "name", f"to-{name}", "netns",
                  str(self.pid)])
            self._there(other, "ip", "addr", "add", f"{net}.{number}.1/30", "dev", name)
            self._there(other, "ip", "link", "set", name, "up")
            _run(self.inside(["ip", "addr", "add", f"{net}.{number}.2/30", "dev", f"to-{name}"]))
            _run(self.inside(["ip", "link", "set", f"to-{name}", "up"]))
        _run(self.inside(["ip", "route", "add", BROKER, "via", f"10.77.{number}.1"]))

    @staticmethod
    def _there(namespace, *command):
        _run(namespace.inside(command) if namespace else list(command))

    def _set(self, state, links):
        for other, name in links:
            self._there(other, "ip", "link", "set", name, state)

    def cut(self):
        """From the broker and from us."""
        self._set("down", self._links)

    def cut_from_broker(self):
        self._set("down", self._links[:1])

    def heal(self):
        self._set("up", self._links)


class Network:
    """The broker's namespace, a link from it to us, and what was added."""

    def __init__(self):
        self.broker, self._places = _Namespace(), []
        try:
            _run(self.broker.inside(["ip", "addr", "add", f"{BROKER}/32", "dev", "lo"]))
            _run(["ip", "link", "add", "broker", "type", "veth", "peer", "name", "test", "netns", str(self.broker.pid)])
            _run(["ip", "addr", "add", "10.77.0.2/30", "dev", "broker"])
            _run(["ip", "link", "set", "broker", "up"])
            _run(self.broker.inside(["ip", "addr", "add", "10.77.0.1/30", "dev", "test"]))
            _run(self.broker.inside(["ip", "link", "set", "test", "up"]))
            _run(["ip", "route", "add", BROKER, "via", "10.77.0.1"])
        except Unavailable:
            self.close()
            raise

    def add(self):
        self._places.append(Place(len(self._places) + 1, self.broker))
        return self._places[-1]

    def close(self):
        for namespace in (*self._places, self.broker):
            namespace.close()
