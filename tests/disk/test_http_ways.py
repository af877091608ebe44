"""The way to a disk behind a URL: TLS is always checked, proxies of the environment are used, secrets stay inside."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import disk_server as faults
import pytest
from contracts.block_device import SIZE, pattern
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from disk_server import SECRET, DiskServer, serving

from bootmend.disk.client import Patience
from bootmend.disk.http import HttpDisk
from bootmend.errors import InputError, Unreachable

HASTY = Patience(tries=2, first_wait=0.005)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 and its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "disk server")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DiskServer]:
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(pattern(), tls=context) as one:
        yield one


def secure(server: DiskServer) -> str:
    return server.signed.replace("http://", "https://")


def test_a_certificate_that_nobody_vouches_for_is_refused(server: DiskServer) -> None:
    with pytest.raises(Unreachable, match=r"certificate is not accepted.*SSL_CERT_FILE") as caught:
        HttpDisk(secure(server), patience=HASTY)
    assert SECRET not in str(caught.value) and not server.seen


def test_a_root_in_ssl_cert_file_is_trusted(
    server: DiskServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with HttpDisk(secure(server), patience=HASTY) as disk:
        assert disk.read(0, SIZE) == pattern()


def test_a_certificate_for_another_host_is_refused(
    server: DiskServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def leading_here(host: str, *rest: Any, **named: Any) -> Any:
        return resolve("127.0.0.1" if host == "elsewhere.example" else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", leading_here)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(Unreachable, match="certificate is not accepted"):
        HttpDisk(secure(server).replace("127.0.0.1", "elsewhere.example"), patience=HASTY)


def test_a_server_without_tls_is_refused() -> None:
    with serving(pattern()) as plain, pytest.raises(Unreachable, match="no secure connection"):
        HttpDisk(secure(plain), patience=HASTY)


def test_no_redirect_leads_from_https_to_http(
    server: DiskServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(pattern()) as plain:
        server.always = faults.moved(plain.signed)
        with pytest.raises(Unreachable, match="from https to plain http") as caught:
            HttpDisk(secure(server), patience=HASTY)
        assert not plain.seen and SECRET not in str(caught.value)


@contextmanager
def proxy() -> Iterator[tuple[int, list[bytes]]]:
    """Its port, and the head of each CONNECT it was asked."""
    heads: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += near.recv(1)
                heads.append(head)
                host, _, port = head.split()[1].decode().partition(":")
                far = socket.create_connection((host, int(port)))
                near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1], heads
    finally:
        listener.close()


def test_the_environments_proxy_is_used_and_never_sees_the_secret(
    server: DiskServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with proxy() as (port, heads):
        monkeypatch.setenv("https_proxy", f"http://me:p%40ss@127.0.0.1:{port}")
        with HttpDisk(secure(server), patience=HASTY) as disk:
            assert disk.read(0, SIZE) == pattern()
        assert heads and all(b"Proxy-Authorization: Basic bWU6cEBzcw==" in head for head in heads)
        assert not any(SECRET.encode() in head for head in heads)
        heads.clear()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with HttpDisk(secure(server), patience=HASTY) as disk:
            assert disk.read(0, 512) == pattern()[:512]
        assert not heads


@pytest.mark.parametrize("where", ["socks5://127.0.0.1:1080", "https://127.0.0.1:3128", "http://[::1", "http://:x"])
def test_a_proxy_that_cannot_be_used_says_so(server: DiskServer, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setenv("https_proxy", where)
    with pytest.raises(InputError, match="https_proxy"):
        HttpDisk(secure(server), patience=HASTY)


def test_a_proxy_that_is_not_there_says_so(server: DiskServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with pytest.raises(Unreachable, match="proxy that https_proxy names does not answer"):
        HttpDisk(secure(server), patience=HASTY)


def test_a_proxy_that_wants_a_password_says_so(server: DiskServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(b"") as wants:
        wants.always = faults.status(407)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{wants.server_address[1]}")
        with pytest.raises(Unreachable, match=r"does not let us through .407"):
            HttpDisk(secure(server), patience=HASTY)
        assert wants.kinds["CONNECT"] == 1
