"""Java programs from jars that maven fetches, started quickly."""

import hashlib
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


class JarsMissing(Exception):
    """Maven could not fetch jars; it has said why on stderr."""


def jars(pom=HERE / "pom.xml"):
    """The folder of the jars that this pom names; by default the broker's."""
    outcome = subprocess.run([HERE / "jars", pom], stdout=subprocess.PIPE, text=True, check=False)
    if outcome.returncode != 0:
        raise JarsMissing(f"there are no jars for {pom}, and they could not be fetched; the reason is above")
    return pathlib.Path(outcome.stdout.strip())


def executable():
    return pathlib.Path(shutil.which("java") or "/usr/bin/java").resolve()


class Program:
    """One main class. The classes that its first clean run has loaded are kept beside the jars in a form that later
    runs only map (CDS): the broker then starts in two thirds of the time. Java ignores an archive of another Java."""

    def __init__(self, main, folder):
        self._main, self._folder = main, folder
        java = executable()
        library = (java.parents[1] / "lib/server/libjvm.so").stat()
        key = hashlib.sha256(f"{java} {library.st_size} {int(library.st_mtime)}".encode()).hexdigest()[:12]
        self._java = java
        self._archive = folder / f"{main.rsplit('.', 1)[-1]}-{key}.jsa"
        self._new_archive = folder / f".{os.getpid()}-{id(self)}.jsa"

    @property
    def wants_clean_exit(self):
        """Whether the next clean exit makes the archive."""
        return not self._archive.exists() and os.access(self._folder, os.W_OK)

    def command(self, options, log_level, arguments):
        sharing = []
        if self._archive.exists():
            sharing = [f"-XX:SharedArchiveFile={self._archive}"]
        elif self.wants_clean_exit:
            sharing = [f"-XX:ArchiveClassesAtExit={self._new_archive}"]
        path = ":".join(str(jar) for jar in sorted(self._folder.glob("*.jar")))
        return [str(self._java), *options, *sharing, "-XX:-UsePerfData", "-Xshare:auto", "-Xlog:disable",
                "-Xlog:all=error:stderr", f"-Dlog4j2.level={log_level}", "-cp", path, self._main,
                *map(str, arguments)]

    def after_exit(self, clean):
        if clean and self._new_archive.exists():
            self._new_archive.rename(self._archive)
        self._new_archive.unlink(missing_ok=True)

    def run(self, options, arguments):
        """Runs it to its end; its output, or a RuntimeError with it."""
        outcome = subprocess.run(self.command(options, "ERROR", arguments), stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, check=False)
        self.after_exit(outcome.returncode == 0)
        if outcome.returncode != 0:
            raise RuntimeError(f"{self._main} failed: {outcome.stdout}{outcome.stderr}")
        return outcome.stdout
