"""Runs the test program it is given (and its arguments) with an S3 server of its own."""

import os
import subprocess
import sys
import tempfile

import s3_server


def main():
    with tempfile.TemporaryDirectory() as control:
        server = s3_server.start("testbucket", "testkey", "test/secret+key", control)
        port = server.server_address[1]
        environment = {**os.environ, "S3_ENDPOINT": f"http://127.0.0.1:{port}",
                       "S3_ENDPOINT_BY_NAME": f"http://localhost:{port}", "S3_BUCKET": "testbucket",
                       "S3_CONTROL": control, "AWS_ACCESS_KEY_ID": "testkey",
                       "AWS_SECRET_ACCESS_KEY": "test/secret+key", "no_proxy": "*"}
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
