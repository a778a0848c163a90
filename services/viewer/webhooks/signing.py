"""Signatures and bodies as Standard Webhooks has them (specification 1.0, standardwebhooks.com)."""

import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import blake2b, sha256

from services.viewer.webhooks.hooks import SECRET

KIND = "author.metrics.changed"


def body_of(record: bytes, changed_ms: int) -> bytes:
    """The body. record: a change record, as JSON; changed_ms: its append time in milliseconds since the
    epoch.
    """
    when = datetime.fromtimestamp(changed_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return b'{"type":"%s","timestamp":"%s","data":%s}' % (
        KIND.encode(),
        when.replace("+00:00", "Z").encode(),
        record,
    )


def message_id(hook_id: str, author_id: str, generation: int, version: int) -> str:
    """The same for every attempt to send a change, so that a receiver can drop repetitions."""
    named = f"{hook_id}\n{author_id}\n{generation}-{version}".encode()
    return f"msg_{blake2b(named, digest_size=16).hexdigest()}"


def headers_of(message: str, seconds: int, body: bytes, secret: str) -> dict[str, str]:
    """The headers of one attempt. seconds: its time since the epoch; secret: with its prefix."""
    key = b64decode(secret.removeprefix(SECRET))
    signed = hmac.digest(key, f"{message}.{seconds}.".encode() + body, sha256)
    return {
        "webhook-id": message,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{b64encode(signed).decode()}",
        "content-type": "application/json",
        "user-agent": "scholarstream-webhooks",
    }
