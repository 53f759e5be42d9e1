"""What brokers run on: Java, and Kafka's jars from Maven or from an unpacked distribution."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

POM: Final = Path(__file__).with_name("pom.xml")
CACHE: Final = Path(__file__).parents[3] / ".kafka"
INSTALL: Final = "install Java 17 and Maven (Debian: apt-get install openjdk-17-jre-headless maven)"
OLDEST_JAVA: Final = 17
# Brokers live for seconds: what makes them start fast matters more than what makes them fast after an hour.
_JVM: Final = ("-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_LOG_WARNINGS: Final = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.apache.logging.log4j.level=WARN")


class KafkaMissing(Exception):
    """There is no Java or no Maven on this machine; the message says what to install."""


@dataclass(frozen=True, slots=True)
class KafkaRuntime:
    """How to run Kafka's classes.

    `archive`: where the JVM's class data lies, once it is recorded: a broker starts twice as fast with it.
    """

    java: str
    classpath: str
    archive: Path

    def command(self, main_class: str, *arguments: str, heap: str = "256m", options: tuple[str, ...] = ()) -> list[str]:
        """The command line that runs a class. `heap`: as for -Xmx. `options`: further options for the JVM."""
        shared = (f"-XX:SharedArchiveFile={self.archive}",) if self.archive.exists() else ()
        jvm = (*_JVM, f"-Xmx{heap}", *shared, *_LOG_WARNINGS, *options)
        return [self.java, *jvm, "-cp", self.classpath, main_class, *arguments]


def find_runtime() -> KafkaRuntime:
    """Java, with the jars of the distribution in KAFKA_HOME or else those that Maven resolves (once: 6 s).

    Raises `KafkaMissing` where something must be installed first.
    """
    java, version = _java()
    home = os.environ.get("KAFKA_HOME")
    jars = sorted((Path(home) / "libs").glob("*.jar")) if home else sorted(_maven_jars().glob("*.jar"))
    if not jars:
        raise KafkaMissing(f"KAFKA_HOME={home!r} has no libs/*.jar: set it to an unpacked Apache Kafka, or unset it")
    classpath = ":".join(map(str, jars))
    CACHE.mkdir(exist_ok=True)
    key = hashlib.sha256(f"{version} {classpath}".encode()).hexdigest()[:16]
    return KafkaRuntime(java, classpath, CACHE / f"classes-{key}.jsa")


@contextmanager
def cache_lock() -> Iterator[None]:
    """One process at a time writes to the cache."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _java() -> tuple[str, str]:
    """The java command, and its version."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    if java is None:
        raise KafkaMissing(f"Kafka needs Java, and none was found: {INSTALL}")
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', shown)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise KafkaMissing(f"Kafka needs Java {OLDEST_JAVA} or newer, and {java} is another: {INSTALL}")
    return java, shown


def _maven_jars() -> Path:
    """Folder of the jars that the pom names."""
    folder = CACHE / f"jars-{hashlib.sha256(POM.read_bytes()).hexdigest()[:16]}"
    if folder.exists():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaMissing(f"Kafka's jars come by Maven, and none was found: {INSTALL}, or set KAFKA_HOME")
    with cache_lock():
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            command = [maven, "-B", "-q", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime"]
            done = subprocess.run(
                [*command, f"-DoutputDirectory={unfinished}"], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"Maven could not resolve Kafka's jars:\n{(done.stdout + done.stderr)[-3000:]}")
            unfinished.rename(folder)
    return folder
