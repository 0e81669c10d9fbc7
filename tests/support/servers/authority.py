"""A certificate authority of our own, for servers on loopback."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


class Authority:
    """Certifies servers; a client trusts it by its certificate."""

    def __init__(self, name: str) -> None:
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = self._certificate(self._name, self._key.public_key())
        limit = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = self._sign(made.add_extension(limit, True))

    def server(self) -> tuple[str, str]:
        """The certificate of a server on 127.0.0.1, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._certificate(_name('127.0.0.1'), key.public_key())
        address = x509.IPAddress(ipaddress.ip_address('127.0.0.1'))
        names = x509.SubjectAlternativeName([address])
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return self._sign(made.add_extension(names, False)), secret.decode()

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
        )

    def _sign(self, made: x509.CertificateBuilder) -> str:
        signed = made.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
