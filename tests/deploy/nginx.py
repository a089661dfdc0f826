"""The nginx of `deploy/`, run as an ordinary user on ports and in folders of a test."""

import datetime as dt
import ipaddress
import os
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.ports import free_port
from tests.support.waiting import LONG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
NAME = "chengxin.example"


class Front:
    def __init__(self, folder: Path, upstream_port: int, site: Path) -> None:
        self.folder = folder
        self.port, self.plain_port = free_port(), free_port()
        for name in ("conf", "tls", "logs", "temp", "cache", "nginx"):
            (folder / name).mkdir()
        write_certificate(folder / "tls")
        policy = [str(DEPLOY / "bin" / "site-policy"), str(site)]
        subprocess.run([*policy, str(folder / "nginx" / "site-policy.conf")], check=True)
        self.site = site
        self.write(upstream_port)

    def write(self, upstream_port: int) -> None:
        """The files as deployed; only places and ports are the test's."""
        replaced = {
            "user www-data;": f"{_own_user()} daemon off;",
            "pid /run/nginx.pid;": f"pid {self.folder}/nginx.pid;",
            "/var/log/nginx": f"{self.folder}/logs",
            "/var/cache/nginx/chengxin": f"{self.folder}/cache/public",
            "/etc/nginx/chengxin/": f"{self.folder}/conf/",
            "/etc/chengxin/tls/": f"{self.folder}/tls/",
            "/var/lib/chengxin/site": str(self.site),
            "/var/lib/chengxin/nginx/": f"{self.folder}/nginx/",
            "127.0.0.1:8000": f"127.0.0.1:{upstream_port}",
            "listen 443": f"listen 127.0.0.1:{self.port}",
            "listen 80": f"listen 127.0.0.1:{self.plain_port}",
            "worker_processes auto;": "worker_processes 1;",
        }
        used = set()
        for source in sorted((DEPLOY / "nginx").glob("*.conf")):
            text = source.read_text("utf-8")
            for old, new in replaced.items():
                if old in text:
                    used.add(old)
                    text = text.replace(old, new)
            (self.folder / "conf" / source.name).write_text(text, "utf-8")
        assert used == replaced.keys(), replaced.keys() - used

    @property
    def command(self) -> list[str]:
        assert NGINX is not None
        return [NGINX, "-p", str(self.folder), "-c", str(self.folder / "conf" / "nginx.conf")]

    def check(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.command, "-t"], capture_output=True, text=True, check=False)

    @contextmanager
    def running(self) -> Iterator[None]:
        with (self.folder / "logs" / "stderr.log").open("wb") as errors:
            process = subprocess.Popen(self.command, stderr=errors)
        self._pid = process.pid
        try:
            self._wait()
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(LONG_SECONDS)

    def reload(self) -> None:
        """Returns when nobody works by the old configuration any more."""
        before = self._workers()
        subprocess.run([*self.command, "-s", "reload"], check=True, capture_output=True)
        deadline = time.monotonic() + LONG_SECONDS
        while not (now := self._workers()) or now & before:
            assert time.monotonic() < deadline, "the old workers go on"
            time.sleep(0.02)

    def _workers(self) -> set[int]:
        """Those that take connections."""
        return {
            child.pid
            for child in psutil.Process(self._pid).children()
            if _title(child).endswith("worker process")
        }

    def _wait(self) -> None:
        deadline = time.monotonic() + LONG_SECONDS
        while time.monotonic() < deadline:
            try:
                self.connect().close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self.folder / "logs" / "stderr.log").read_text())

    def connect(self, seconds: float = 5.0) -> ssl.SSLSocket:
        import socket

        context = ssl.create_default_context(cafile=str(self.folder / "tls" / "fullchain.pem"))
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=seconds)
        try:
            return context.wrap_socket(plain, server_hostname=NAME)
        except BaseException:
            plain.close()
            raise


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()).strip()
    except psutil.NoSuchProcess:
        return ""


def _own_user() -> str:
    """Workers of a root's nginx become `nobody`, who cannot read a test's folder."""
    return "user root;" if os.geteuid() == 0 else ""


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
