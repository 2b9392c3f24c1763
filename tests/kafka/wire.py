"""The little of Kafka's protocol that the harness needs: is a broker there, which topics has it, make and delete
some, change them, where they end, how transactions stand.

Java's own tools take a second each; these take milliseconds. Versions are the last ones without tagged fields.
"""

import socket
import struct
import time

METADATA, METADATA_VERSION = 3, 8
CREATE_TOPICS, CREATE_TOPICS_VERSION = 19, 4
DELETE_TOPICS, DELETE_TOPICS_VERSION = 20, 3
LIST_OFFSETS, LIST_OFFSETS_VERSION = 2, 2
DELETE_RECORDS, DELETE_RECORDS_VERSION = 21, 1
CREATE_PARTITIONS, CREATE_PARTITIONS_VERSION = 37, 1
INCREMENTAL_ALTER_CONFIGS, INCREMENTAL_ALTER_CONFIGS_VERSION = 44, 0
DESCRIBE_TRANSACTIONS = 65


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

    def length(self):
        """A compact length: one more than it, as a varint."""
        value, shift = 0, 0
        while True:
            byte = self.take("B")
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return max(0, value - 1)

    def compact(self):
        length = self.length()
        self._at += length
        return self._data[self._at - length:self._at].decode()

    def array(self, read):
        return [read() for _ in range(max(0, self.take("i")))]


class Connection:
    """To one broker, kept over calls: given in place of an address by who asks often. Not for several threads."""

    def __init__(self, address):
        self._address, self._socket = address, None

    def __str__(self):
        return self._address

    def call(self, request, timeout_s):
        if self._socket is None:
            host, port = self._address.rsplit(":", 1)
            self._socket = socket.create_connection((host, int(port)), timeout_s)
        try:
            self._socket.settimeout(timeout_s)
            self._socket.sendall(struct.pack(">i", len(request)) + request)
            with self._socket.makefile("rb") as answer:
                head = answer.read(4)
                data = answer.read(struct.unpack(">i", head)[0]) if len(head) == 4 else b""
        except OSError:
            self.close()
            raise
        if len(data) < 4:
            self.close()
        return data

    def close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _call(address, key, version, body, timeout_s):
    request = struct.pack(">hhi", key, version, 1) + _text("streamml-tests") + body
    connection = address if isinstance(address, Connection) else Connection(address)
    try:
        data = connection.call(request, timeout_s)
    except OSError as error:
        raise WireError(f"{address}: {error}") from error
    finally:
        if connection is not address:
            connection.close()
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


def delete_topics(address, names, timeout_s=10.0):
    """Returns when the broker does not know them any more."""
    body = struct.pack(">i", len(names)) + b"".join(map(_text, names)) + struct.pack(">i", int(timeout_s * 1000))
    reader = _call(address, DELETE_TOPICS, DELETE_TOPICS_VERSION, body, timeout_s)
    reader.take("i")  # throttle time
    for topic, code in reader.array(lambda: (reader.text(), reader.take("h"))):
        if code != 0:
            raise WireError(f"{address}: topic '{topic}' is not deleted: error {code}")
    end = time.monotonic() + timeout_s
    while set(names) & set(metadata(address, timeout_s)[1]):
        if time.monotonic() > end:
            raise WireError(f"{address}: topics are still there {timeout_s} s after they were deleted")
        time.sleep(0.02)


def alter_topic(address, name, settings, timeout_s=10.0):
    """Sets these settings of a topic and leaves the others."""
    changes = b"".join(_text(key) + b"\0" + _text(str(value)) for key, value in settings.items())
    body = struct.pack(">ib", 1, 2) + _text(name) + struct.pack(">i", len(settings)) + changes + b"\0"
    reader = _call(address, INCREMENTAL_ALTER_CONFIGS, INCREMENTAL_ALTER_CONFIGS_VERSION, body, timeout_s)
    reader.take("i")  # throttle time
    for code, message, _, topic in reader.array(lambda: (reader.take("h"), reader.text(), reader.take("b"), reader.text())):
        if code != 0:
            raise WireError(f"{address}: settings of '{topic}' are not changed: {message or f'error {code}'}")


def delete_records(address, topic, before, timeout_s=10.0):
    """before: {partition: offset of the first record that is kept}."""
    partitions = b"".join(struct.pack(">iq", *place) for place in before.items())
    body = struct.pack(">i", 1) + _text(topic) + struct.pack(">i", len(before)) + partitions
    body += struct.pack(">i", int(timeout_s * 1000))
    reader = _call(address, DELETE_RECORDS, DELETE_RECORDS_VERSION, body, timeout_s)
    reader.take("i")  # throttle time
    for _, results in reader.array(lambda: (reader.text(), reader.array(lambda: reader.take("iqh")))):
        for partition, _, code in results:
            if code != 0:
                raise WireError(f"{address}: records of '{topic}', partition {partition}, are not deleted: error {code}")


def add_partitions(address, topic, total, timeout_s=10.0):
    """Returns when the broker shows them all."""
    body = struct.pack(">i", 1) + _text(topic) + struct.pack(">iii?", total, -1, int(timeout_s * 1000), False)
    reader = _call(address, CREATE_PARTITIONS, CREATE_PARTITIONS_VERSION, body, timeout_s)
    reader.take("i")  # throttle time
    for name, code, message in reader.array(lambda: (reader.text(), reader.take("h"), reader.text())):
        if code != 0:
            raise WireError(f"{address}: '{name}' gets no partitions: {message or f'error {code}'}")
    end = time.monotonic() + timeout_s
    while len(metadata(address, timeout_s)[1].get(topic, {})) < total:
        if time.monotonic() > end:
            raise WireError(f"{address}: '{topic}' has not got its partitions after {timeout_s} s")
        time.sleep(0.02)


def ends(address, topic, num_partitions, timeout_s=5.0, committed=False):
    """{partition: offset behind its last record, committed or not; or behind the last one that committed readers get}"""
    return offsets(address, topic, num_partitions, -1, timeout_s, committed)


def offsets(address, topic, num_partitions, at, timeout_s=5.0, committed=False):
    """{partition: offset}; at: -1 for that behind the last record, -2 for that of the first one."""
    partitions = b"".join(struct.pack(">iq", number, at) for number in range(num_partitions))
    body = struct.pack(">i?i", -1, committed, 1) + _text(topic) + struct.pack(">i", num_partitions) + partitions
    reader = _call(address, LIST_OFFSETS, LIST_OFFSETS_VERSION, body, timeout_s)
    reader.take("i")  # throttle time

    def partition():
        number, code, _, offset = reader.take("ihqq")
        if code != 0:
            raise WireError(f"{address}: offsets of '{topic}': error {code}")
        return number, offset

    answer = reader.array(lambda: (reader.text(), reader.array(partition)))
    return dict(answer[0][1])


def transactions(address, ids, timeout_s=5.0):
    """{transactional id: state}, such as Ongoing, PrepareCommit, CompleteAbort, Empty; "" for an unknown id.

    The only version there is has compact lengths and tagged fields."""
    body = bytes([len(ids) + 1]) + b"".join(bytes([len(name) + 1]) + name.encode() for name in ids) + b"\0"
    reader = _call(address, DESCRIBE_TRANSACTIONS, 0, b"\0" + body, timeout_s)
    reader.take("B")  # tagged fields of the header
    reader.take("i")  # throttle time
    states = {}
    for _ in range(reader.length()):
        reader.take("h")
        name, state = reader.compact(), reader.compact()
        reader.take("iqqh")  # timeout, start, producer and its epoch
        for _ in range(reader.length()):
            reader.compact()
            for _ in range(reader.length()):
                reader.take("i")
            reader.take("B")
        reader.take("B")
        states[name] = state
    return states
