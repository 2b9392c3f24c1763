"""A small S3 server for tests, on a loopback port that the system chooses: checks signatures itself, keeps objects in
memory, and does wrong what it is told to.

Orders stand in CONTROL/fault as "METHOD FAULT COUNT": the next COUNT requests of that method
  NNN      are answered with that status and do nothing
  cut      break off: a GET within its body, others before they do anything
  lost     are done, but break off instead of an answer
  stall    are not answered for some seconds, and then break off
  corrupt  are done, with one bit of the answer's body wrong
  inside   are answered with status 200 and an error as the body, and do nothing
CONTROL/log gets a line for each request: method, path with query, range."""

import datetime
import hashlib
import hmac
import http.server
import pathlib
import threading
import time
import urllib.parse
import xml.sax.saxutils

PAGE = 7  # keys
STALL_SECONDS = 3
CODES = {400: "BadRequest", 403: "AccessDenied", 404: "NoSuchKey", 412: "PreconditionFailed", 429: "SlowDown",
         500: "InternalError", 501: "NotImplemented", 503: "SlowDown"}


class Broken(Exception):
    """The connection is to end here."""


class Refused(Exception):
    def __init__(self, status, code=None):
        super().__init__(status)
        self.status, self.code = status, code or CODES.get(status, "Error")


class State:
    def __init__(self, bucket, key, secret, control):
        self.bucket, self.key, self.secret = bucket, key, secret
        self.control = pathlib.Path(control)
        self.lock = threading.Lock()
        self.objects = {}  # name: (bytes, metadata)
        self.uploads = {}  # id: (name, metadata, {number: bytes})

    def take_fault(self, method):
        path = self.control / "fault"
        with self.lock:
            try:
                wanted, fault, count = path.read_text().split()
            except (FileNotFoundError, ValueError):
                return None
            if wanted != method or int(count) <= 0:
                return None
            if int(count) == 1:
                path.unlink()
            else:
                path.write_text(f"{wanted} {fault} {int(count) - 1}")
            return fault

    def log(self, line):
        with self.lock, (self.control / "log").open("a") as out:
            out.write(line + "\n")


def quote(text):
    return urllib.parse.quote(text, safe="-._~")


def check_signature(state, request, body):
    """As the documentation of Signature Version 4 says it, from what came over the wire."""
    headers = {name.lower(): value.strip() for name, value in request.headers.items()}
    authorization = headers.get("authorization", "")
    if not authorization.startswith("AWS4-HMAC-SHA256 "):
        raise Refused(403)
    fields = dict(part.strip().split("=", 1) for part in authorization[len("AWS4-HMAC-SHA256 "):].split(","))
    key, date, region, service, end = fields["Credential"].split("/")
    if key != state.key or service != "s3" or end != "aws4_request":
        raise Refused(403, "InvalidAccessKeyId")
    if hashlib.sha256(body).hexdigest() != headers.get("x-amz-content-sha256"):
        raise Refused(400, "XAmzContentSHA256Mismatch")
    signed = fields["SignedHeaders"].split(";")
    must_be_signed = {"host"} | {name for name in headers if name.startswith("x-amz-")}
    if not must_be_signed <= set(signed) or signed != sorted(signed):
        raise Refused(403, "UnsignedHeaders")
    stamp = headers["x-amz-date"]
    then = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    now = datetime.datetime.now(datetime.timezone.utc)
    if abs((now - then).total_seconds()) > 900 or not stamp.startswith(date):
        raise Refused(403, "RequestTimeTooSkewed")
    path, _, query = request.path.partition("?")
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    canonical = "\n".join([
        request.command,
        urllib.parse.quote(urllib.parse.unquote(path), safe="/-._~"),
        "&".join(sorted(f"{quote(name)}={quote(value)}" for name, value in pairs)),
        *(f"{name}:{' '.join(headers[name].split())}" for name in signed), "",
        fields["SignedHeaders"], headers["x-amz-content-sha256"]])
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, f"{date}/{region}/s3/aws4_request",
                      hashlib.sha256(canonical.encode()).hexdigest()])
    secret = b"AWS4" + state.secret.encode()
    for part in (date, region, "s3", "aws4_request", text):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(secret.hex(), fields["Signature"]):
        raise Refused(403, "SignatureDoesNotMatch")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state = None

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", headers=(), size=None, fault=None):
        if fault == "lost":
            raise Broken
        if fault == "corrupt" and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        self.end_headers()
        if fault == "cut":
            self.wfile.write(body[:len(body) // 2])
            raise Broken
        if self.command != "HEAD":
            self.wfile.write(body)

    def reply_error(self, refused):
        body = f"<Error><Code>{refused.code}</Code><Message>told so &amp; done</Message></Error>".encode()
        self.reply(refused.status, b"" if self.command == "HEAD" else body, [("Content-Type", "application/xml")])

    def handle_any(self):
        fault = None
        try:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.state.log(f"{self.command} {self.path} {self.headers.get('Range', '')}")
            check_signature(self.state, self, body)
            fault = self.state.take_fault(self.command)
            if fault == "stall":
                time.sleep(STALL_SECONDS)
            if fault == "stall" or (fault == "cut" and self.command != "GET"):
                raise Broken
            if fault and fault.isdigit():
                raise Refused(int(fault))
            if fault == "inside":
                self.reply(200, b"<Error><Code>InternalError</Code><Message>inside</Message></Error>")
                return
            self.serve(body, fault)
        except Refused as refused:
            self.reply_error(refused)
        except (Broken, ConnectionError):
            self.close_connection = True

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any

    def serve(self, body, fault):
        path, _, text = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        host = self.headers["Host"].split(":")[0]
        name = urllib.parse.unquote(path)[1:]
        if host.endswith(".localhost"):
            bucket = host[:-len(".localhost")]
        else:
            bucket, _, name = name.partition("/")
        if bucket != self.state.bucket:
            raise Refused(404, "NoSuchBucket")
        with self.state.lock:
            status, content, headers = self.act(name, query, body)
        size = None
        if self.command == "HEAD":
            content, size = b"", int(dict(headers).get("size", 0))
        self.reply(status, content, [pair for pair in headers if pair[0] != "size"], size, fault)

    def act(self, name, query, body):
        """Status, body and headers of what the request asks for."""
        objects = self.state.objects
        metadata = [(key, value) for key, value in self.headers.items() if key.lower().startswith("x-amz-meta-")]
        if self.headers.get("If-None-Match") == "*" and name in objects:
            raise Refused(412)
        if "list-type" in query:
            return 200, self.listing(query), [("Content-Type", "application/xml")]
        if self.command == "POST" and "uploads" in query:
            number = str(len(self.state.uploads)) + "/="
            self.state.uploads[number] = (name, metadata, {})
            return 200, f"<R><UploadId>{number}</UploadId></R>".encode(), []
        if "uploadId" in query:
            return self.act_on_upload(query, body)
        if self.command == "PUT":
            objects[name] = (body, metadata)
            return 200, b"", [("ETag", f'"{hashlib.md5(body).hexdigest()}"')]
        if self.command == "DELETE":
            objects.pop(name, None)
            return 204, b"", []
        if name not in objects:
            raise Refused(404)
        content, headers = objects[name]
        if self.headers.get("Range"):
            first = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            return 206, content[first:], headers
        return 200, content, [*headers, ("size", str(len(content)))]

    def act_on_upload(self, query, body):
        uploads = self.state.uploads
        if query["uploadId"] not in uploads:
            raise Refused(404, "NoSuchUpload")
        name, metadata, parts = uploads[query["uploadId"]]
        if self.command == "PUT":
            parts[int(query["partNumber"])] = body
            return 200, b"", [("ETag", f'"{hashlib.md5(body).hexdigest()}"')]
        del uploads[query["uploadId"]]
        if self.command == "DELETE":
            return 204, b"", []
        expected = "".join(f'<Part><PartNumber>{number}</PartNumber><ETag>"{hashlib.md5(parts[number]).hexdigest()}"'
                           "</ETag></Part>" for number in sorted(parts))
        if body.decode() != f"<CompleteMultipartUpload>{expected}</CompleteMultipartUpload>":
            raise Refused(400, "InvalidPart")
        self.state.objects[name] = (b"".join(parts[number] for number in sorted(parts)), metadata)
        return 200, b"<CompleteMultipartUploadResult></CompleteMultipartUploadResult>", []

    def listing(self, query):
        keys = sorted(key for key in self.state.objects if key.startswith(query["prefix"]) and
                      query["delimiter"] not in key[len(query["prefix"]):] and
                      key > query.get("start-after", ""))
        page = keys[:PAGE]
        text = "".join(f"<Contents><Key>{xml.sax.saxutils.escape(key)}</Key></Contents>" for key in page)
        more = len(keys) > PAGE
        return f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{text}</ListBucketResult>".encode()


def start(bucket, key, secret, control):
    """The server, running in threads of its own; its port is server_address[1]."""
    handler = type("BoundHandler", (Handler,), {"state": State(bucket, key, secret, control)})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
