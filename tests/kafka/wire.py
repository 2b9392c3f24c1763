"""The little of Kafka's protocol that the harness needs: is a broker there, which topics has it, make one.

Java's own tools take a second each; these take milliseconds. Versions are the last ones without tagged fields.
"""

import socket
import struct

METADATA, METADATA_VERSION = 3, 8
CREATE_TOPICS, CREATE_TOPICS_VERSION = 19, 4


class WireError(Exception):
    """The broker did not answer, or answered with an error."""


def _text(value):
    encoded = value.encode()
    return struct.pack(">h", len(encoded)) + encoded


class _Reader:
    def __init__(self, data):
        self._data, self._at = data, 0

    def take(self, layout):
        values = struct.unpack_from(">" + layout, self._data, self._at)
        self._at += struct.calcsize(">" + layout)
        return values[0] if len(values) == 1 else values

    def text(self):
        length = self.take("h")
        if length < 0:
            return None
        self._at += length
        return self._data[self._at - length:self._at].decode()

    def array(self, read):
        return [read() for _ in range(max(0, self.take("i")))]


def _call(address, key, version, body, timeout_s):
    host, port = address.rsplit(":", 1)
    request = struct.pack(">hhi", key, version, 1) + _text("streamml-tests") + body
    try:
        with socket.create_connection((host, int(port)), timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as answer:
                head = answer.read(4)
                data = answer.read(struct.unpack(">i", head)[0]) if len(head) == 4 else b""
    except OSError as error:
        raise WireError(f"{address}: {error}") from error
    if len(data) < 4:
        raise WireError(f"{address}: the connection ended without an answer")
    return _Reader(data[4:])


def metadata(address, timeout_s=5.0):
    """(number of brokers that serve, {topic: {partition: leader or -1}}, cluster id)."""
    reader = _call(address, METADATA, METADATA_VERSION, struct.pack(">i???", -1, False, False, False), timeout_s)
    reader.take("i")  # throttle time
    brokers = reader.array(lambda: (reader.take("i"), reader.text(), reader.take("i"), reader.text()))
    cluster = reader.text()
    reader.take("i")  # controller

    def partition():
        _, number, leader, _ = reader.take("hiii")
        for _ in range(3):  # replicas, in sync, offline
            reader.array(lambda: reader.take("i"))
        return number, leader

    def topic():
        reader.take("h")
        name = reader.text()
        reader.take("?")
        partitions = dict(reader.array(partition))
        reader.take("i")  # authorized operations
        return name, partitions

    return len(brokers), dict(reader.array(topic)), cluster


def create_topic(address, name, partitions=1, settings=None, timeout_s=10.0):
    settings = settings or {}
    body = struct.pack(">i", 1) + _text(name) + struct.pack(">ihi", partitions, 1, 0) + struct.pack(">i", len(settings))
    for key, value in settings.items():
        body += _text(key) + _text(str(value))
    body += struct.pack(">i?", int(timeout_s * 1000), False)
    reader = _call(address, CREATE_TOPICS, CREATE_TOPICS_VERSION, body, timeout_s)
    reader.take("i")  # throttle time
    for topic, code, message in reader.array(lambda: (reader.text(), reader.take("h"), reader.text())):
        if code != 0:
            raise WireError(f"{address}: topic '{topic}' is not made: {message or f'error {code}'}")
