"""Registries on Apache Axis 1.4: stub and skeleton made by its WSDL2Java of our WSDL, driven by the programs here."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import load_pem_x509_certificate

from tests.interop.foreign import Call, Certificate, Identity, Outcome, Registry, lacking, run, running

SOURCES = Path(__file__).parent
PASSWORD = "of the stores"  # Java wants one
INLINE_SETTINGS = SOURCES / "inline.wsdd"
INSTALL = "apt-get install default-jdk-headless libaxis-java libgoogle-gson-java"
PACKAGES = (
    "libaxis-java",
    "libactivation-java",
    "libcommons-discovery-java",
    "libcommons-httpclient-java",
    "libcommons-logging-java",
    "libgoogle-gson-java",
    "libmail-java",
    "libwsdl4j-java",
)


@dataclass(frozen=True, slots=True)
class Axis:
    """Axis with what was built of our WSDL: `directory` holds the generated sources and all compiled classes."""

    version: str
    class_path: str
    directory: Path

    def call(self, endpoint: str, identity: Identity, calls: Sequence[Call], *, multirefs: bool) -> list[Outcome]:
        """What a registry reads back for `calls`; `multirefs` is Axis' own switch sendMultiRefs (true unless set)."""
        arguments = [endpoint, str(multirefs).lower()]
        with TemporaryDirectory() as directory:
            if isinstance(identity, Certificate):
                command = self._command("interop.Client", *_stores(identity, Path(directory)))
            else:
                command = self._command("interop.Client")
                arguments += [identity.user, identity.password]
            return json.loads(run(*command, *arguments, given=json.dumps(calls)))

    @contextmanager
    def registry(self, directory: Path, *, multirefs: bool) -> Iterator[Registry]:
        """A registry on Axis' server, set as it is shipped or, without `multirefs`, as the United Kingdom's was."""
        settings = () if multirefs else (INLINE_SETTINGS,)
        deployment = self.directory / "generated" / "registry" / "deploy.wsdd"
        with running([*self._command("interop.Host"), deployment, *settings], directory) as url:
            yield Registry(f"{url}/axis/services/RegistryPort", directory)

    def _command(self, main: str, *settings: str) -> list[str]:
        class_path = f"{self.directory / 'classes'}:{self.class_path}"
        return ["java", "-Dfile.encoding=UTF-8", *settings, "-cp", class_path, main]


def _stores(identity: Certificate, directory: Path) -> list[str]:
    """The settings by which Java shows a certificate and trusts an authority, with the stores that they name."""
    own, trusted = directory / "own.p12", directory / "trusted.p12"
    key = load_pem_private_key(identity.key.read_bytes(), None)
    certificate = load_pem_x509_certificate(identity.certificate.read_bytes())
    encryption = BestAvailableEncryption(PASSWORD.encode())
    own.write_bytes(serialize_key_and_certificates(b"own", key, certificate, None, encryption))
    authority = ("-file", identity.authority, "-alias", "authority")
    run("keytool", "-importcert", "-noprompt", *authority, "-keystore", trusted, "-storepass", PASSWORD)
    stores = {"keyStore": own, "keyStorePassword": PASSWORD, "trustStore": trusted, "trustStorePassword": PASSWORD}
    return [f"-Djavax.net.ssl.{name}={value}" for name, value in stores.items()]


def find() -> str:
    """The class path of Axis and of what it needs, by Debian's own word on where the archives are."""
    if not shutil.which("javac"):
        lacking("A Java development kit", INSTALL)
    if not shutil.which("dpkg"):
        lacking("Apache Axis 1.4 as a Debian package", INSTALL)
    listed = subprocess.run(["dpkg", "-L", *PACKAGES], capture_output=True, text=True, check=False)
    if listed.returncode:
        lacking("Apache Axis 1.4", INSTALL)
    return ":".join(line for line in listed.stdout.splitlines() if line.endswith(".jar") and "/maven-repo/" not in line)


def build(class_path: str, transaction_log_wsdl: str, registry_wsdl: str, directory: Path) -> Axis:
    """Have WSDL2Java read both WSDL documents from their URLs; compile what it makes and the programs here."""
    generated = directory / "generated"

    def wsdl2java(package: str, wsdl: str, *options: str) -> None:
        main = "org.apache.axis.wsdl.WSDL2Java"
        run("java", "-cp", class_path, main, *options, "--package", package, "--output", generated, wsdl)

    wsdl2java("transactionlog", transaction_log_wsdl)
    wsdl2java("registry", registry_wsdl, "--server-side", "--skeletonDeploy", "true")
    sources = [*generated.rglob("*.java"), *SOURCES.rglob("*.java")]
    run("javac", "-nowarn", "-encoding", "UTF-8", "-d", directory / "classes", "-cp", class_path, *sources)
    java = run("java", "--version").split()
    return Axis(f"Apache Axis 1.4 on {java[0]} {java[1]}", class_path, directory)
