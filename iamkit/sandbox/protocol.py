"""What the sandbox's client and its process agree on."""

import hashlib
import hmac

ACCOUNT_ID = "000000000000"


TOKEN_HEADER = "X-Iamkit-Token"  # noqa: S105 - the name of a header


def proof(token: str, host: str, challenge: str) -> str:
    """What only the holder of the token can answer to a challenge, at this host and port."""
    return hmac.digest(token.encode(), f"{host}/{challenge}".encode(), hashlib.sha256).hex()
