"""Certificates for a broker on this machine, made with openssl: an authority, the broker's and one for clients."""

import pathlib
import subprocess

DAYS = "30"


def _openssl(folder, *arguments):
    outcome = subprocess.run(["openssl", *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, check=False)
    if outcome.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed: {outcome.stderr.strip()}")


def _sign(folder, name, subject, extensions):
    (folder / f"{name}.ext").write_text(extensions)
    _openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
             "-subj", subject)
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
             "-days", DAYS, "-extfile", f"{name}.ext", "-out", f"{name}.pem")


def make(folder):
    """Fills the folder with ca.pem, broker.pem, broker.key, client.pem, client.key and what Java wants, PEM as well:
    broker.keystore (key and certificate). Does nothing when they are there."""
    folder = pathlib.Path(folder)
    if (folder / "broker.keystore").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    _openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
             "-days", DAYS, "-subj", "/CN=StreamML tests", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _sign(folder, "broker", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    _sign(folder, "client", "/CN=client", "extendedKeyUsage=clientAuth\n")
    (folder / "broker.keystore").write_text((folder / "broker.key").read_text() + (folder / "broker.pem").read_text())
