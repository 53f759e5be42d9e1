"""A cluster's listeners with TLS and SASL, users with passwords, and the authorizer."""

from collections.abc import Mapping
from typing import Final

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from tests.support.kafka.certificates import Authority

# Listener: security protocol. MTLS demands a certificate of its clients, TLS does not.
SECURE_LISTENERS: Final = {"TLS": "SSL", "MTLS": "SSL", "SASLTLS": "SASL_SSL", "SASL": "SASL_PLAINTEXT"}
# Whoever comes over the listener without security may do everything: the brokers themselves, and the test.
WITH_AUTHORIZER: Final = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}
_MECHANISMS: Final = {
    "SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256,
    "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512,
}


def secure_config(authority: Authority, host: str = "127.0.0.1") -> dict[str, str]:
    """Settings of the brokers for `SECURE_LISTENERS`; their certificate is for `host`."""
    broker = authority.sign("broker", host)
    config = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(broker.bundle),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.file),
        "sasl.enabled.mechanisms": ",".join(_MECHANISMS),
        "listener.name.mtls.ssl.client.auth": "required",
        # CN=classify is User:classify
        "listener.name.mtls.ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
    }
    for listener in ("sasltls", "sasl"):
        for mechanism in _MECHANISMS:
            config[f"listener.name.{listener}.{mechanism.lower()}.sasl.jaas.config"] = (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            )
    return config


def add_users(admin: AdminClient, passwords: Mapping[str, str]) -> None:
    """Make users, for every SCRAM mechanism."""
    for mechanism in _MECHANISMS.values():  # one request takes one of them per user
        alterations: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(user, ScramCredentialInfo(mechanism, 4096), password.encode())
            for user, password in passwords.items()
        ]
        for done in admin.alter_user_scram_credentials(alterations).values():
            done.result(30)
