"""Secrets at rest: authenticated encryption (AES-256-GCM) bound to the row that holds them."""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12


class SecretKeyError(Exception):
    """The key cannot be used, or a sealed value does not belong to its row."""


class SecretBox:
    """Seals and opens secrets.

    The purpose (table, column, row id) is associated data, so that a sealed value copied into
    another row does not open there.
    """

    def __init__(self, key: str) -> None:
        """Take a key of 32 bytes in base64.

        Raises:
            SecretKeyError: it is not.
        """
        try:
            raw = base64.b64decode(key, validate=True)
        except (binascii.Error, ValueError) as error:
            raise SecretKeyError(_BAD_KEY) from error
        if len(raw) != KEY_BYTES:
            raise SecretKeyError(_BAD_KEY)
        self._aead = AESGCM(raw)

    def seal(self, secret: str, purpose: str) -> bytes:
        """Encrypt; the result holds nonce and tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, secret.encode(), purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> str:
        """Decrypt.

        Raises:
            SecretKeyError: another key, another row, or a changed value.
        """
        try:
            return self._aead.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode()
            ).decode()
        except (InvalidTag, ValueError) as error:  # ValueError: too short to hold a nonce
            raise SecretKeyError(
                f"The sealed secret of {purpose} does not open: HUMAS_SECRET_KEY is another key than the one "
                "that sealed it, or the value was moved. Restore the key, or enter the credentials again."
            ) from error


_BAD_KEY = (
    "HUMAS_SECRET_KEY is not 32 bytes in base64. Make one with: "
    "python3 -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'"
)


def new_key() -> str:
    """A fresh key in base64."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()
