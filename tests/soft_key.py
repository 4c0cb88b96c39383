"""A security key in software, which answers the questions that a site passes to browsers (WebAuthn)."""

import base64
import hashlib
import json
import secrets

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def plain(content: bytes) -> str:
    """Return bytes in base64url without padding, as browsers send them."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class SoftKey:
    """A passkey; its owner and whoever steals it decide what it says of itself."""

    def __init__(self, site: str = "localhost", origin: str = "http://localhost") -> None:
        self.id = secrets.token_bytes(16)
        self.site = site
        self.origin = origin
        self.flags = PRESENT | VERIFIED
        self.count = 0
        self._key = ec.generate_private_key(ec.SECP256R1())

    def added(self, question: str) -> str:
        """Answer `navigator.credentials.create`."""
        point = self._key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        stated = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(public)
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + stated}
        said = {"attestationObject": plain(cbor2.dumps(attestation))}
        return self._answer(said | {"clientDataJSON": plain(self._client_data("webauthn.create", question))})

    def signed(self, question: str) -> str:
        """Answer `navigator.credentials.get`."""
        self.count += 1
        data, client_data = self._data(0), self._client_data("webauthn.get", question)
        signature = self._key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        said = {"authenticatorData": data, "clientDataJSON": client_data, "signature": signature}
        return self._answer({name: plain(content) for name, content in said.items()})

    def _data(self, flags: int) -> bytes:
        site = hashlib.sha256(self.site.encode()).digest()
        return site + bytes([self.flags | flags]) + self.count.to_bytes(4, "big")

    def _client_data(self, kind: str, question: str) -> bytes:
        said = {"type": kind, "challenge": json.loads(question)["challenge"], "origin": self.origin}
        return json.dumps(said | {"crossOrigin": False}).encode()

    def _answer(self, response: dict[str, str]) -> str:
        own = plain(self.id)
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": response})
