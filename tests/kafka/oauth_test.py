#!/usr/bin/env python3
"""oauth_test.py BUILD: SASL OAUTHBEARER, with tokens from a file and from a provider, on a broker that takes unsigned
ones and asks for new ones all the time."""

import base64
import http.server
import json
import pathlib
import sys
import threading
import time
import unittest
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position
from broker import Broker  # noqa: E402
from small_job import JobTest, row  # noqa: E402

REAUTHENTICATE_MS = 2000
LIFE_S = 4


def token(life_s=LIFE_S):
    now = time.time()
    parts = ({"alg": "none"}, {"sub": "alice", "iat": now, "exp": now + life_s})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


class Provider(http.server.BaseHTTPRequestHandler):
    """The token endpoint of a provider, for one client."""

    asked = []

    def do_POST(self):  # pylint: disable=invalid-name
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        client = base64.b64decode(self.headers.get("Authorization", "Basic ").split(" ", 1)[1]).decode()
        self.asked.append((client, form))
        granted = client == "the-client:the-secret"
        answer = json.dumps({"access_token": token(), "token_type": "bearer", "expires_in": LIFE_S} if granted
                            else {"error": "invalid_client"}).encode()
        self.send_response(200 if granted else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


class OauthTest(JobTest):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(secure=True, settings={"connections.max.reauth.ms": REAUTHENTICATE_MS}).start()
        cls.address = cls.broker.address

    def job_with(self, oauth):
        job = self.job(kafka=f'{{brokers: "{self.broker.listener("SASL")}", sasl: {{mechanism: OAUTHBEARER, oauth: {oauth}}}}}')
        job.topics()
        return job

    def run_for_longer_than_a_token(self, job):
        job.run()
        for number in range(LIFE_S + 2):
            job.fill([row(number)])
            job.await_records(number + 1)
            time.sleep(1)
        job.stop()
        self.assertEqual(LIFE_S + 2, len(job.records()))

    def test_a_token_in_a_file_is_read_again_before_it_ends(self):
        job = self.job_with("{tokenFrom: {file: token}}")
        done = threading.Event()

        def renew():
            while True:
                (job.folder / "token.new").write_text(token() + "\n", encoding="ascii")
                (job.folder / "token.new").rename(job.folder / "token")
                if done.wait(0.5):
                    return
        renewing = threading.Thread(target=renew)
        renewing.start()
        self.addCleanup(renewing.join)
        self.addCleanup(done.set)
        while not (job.folder / "token").exists():
            time.sleep(0.01)
        self.run_for_longer_than_a_token(job)

    def test_tokens_come_from_a_provider(self):
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider) as provider:
            serving = threading.Thread(target=provider.serve_forever)
            serving.start()
            endpoint = f"http://127.0.0.1:{provider.server_port}/token"
            job = self.job_with(f"{{tokenEndpoint: '{endpoint}', clientIdFrom: {{file: id}}, clientSecretFrom: {{file: secret}}, "
                                "scope: kafka}")
            (job.folder / "id").write_text("the-client", encoding="ascii")
            (job.folder / "secret").write_text("the-secret", encoding="ascii")
            try:
                self.run_for_longer_than_a_token(job)
            finally:
                provider.shutdown()
                serving.join()
        self.assertGreater(len(Provider.asked), 1)
        self.assertEqual((["client_credentials"], ["kafka"]), (Provider.asked[0][1]["grant_type"], Provider.asked[0][1]["scope"]))

    def test_a_token_that_is_not_taken_is_said_to_be_the_cause(self):
        job = self.job_with("{tokenFrom: {file: token}}")
        job.run()
        self.assert_says(job.failure(), "oauth.tokenFrom", "token")  # there is no such file
        (job.folder / "token").write_text(token(-10), encoding="ascii")
        job.run()
        self.assert_says(job.failure(), "SASL")
        self.assertNotIn("eyJ", job.worker.output)  # tokens are secrets


if __name__ == "__main__":
    unittest.main()
