"""Who and what a record is about: the deterministic mention id and the customer key."""

import hashlib
from urllib.parse import quote


def mention_id(tenant: str, brand: str, platform: str, native_id: str) -> str:
    """The id of a mention, 32 hexadecimal digits: the same for every delivery of the same message.

    BLAKE2b-128 over the four parts, each preceded by its length so that no two splits collide.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (tenant, brand, platform, native_id):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def customer_key(tenant: str, platform: str, author_id: str, mention: str) -> str:
    """The customer who wrote a mention: `tenant/platform/author id`, percent-encoded: the key of every record.

    Where the author is unknown the mention itself stands for the customer (`!` never appears in an encoded author id).
    """
    return f"{tenant}/{platform}/{quote(author_id, safe='') if author_id else '!' + mention}"


def tenant_prefix(tenant: str) -> str:
    """What every customer key of a tenant starts with."""
    return f"{tenant}/"
