"""Settings of the Kafka adapter, from the environment; used where LOG_URL starts with kafka://."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class KafkaSettings(BaseSettings):
    """How to reach the brokers, and what to promise."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_", extra="ignore", frozen=True)

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_ca_file: Path | None = None  # without it, the system's certificate authorities
    ssl_cert_file: Path | None = None  # with the key: mutual TLS
    ssl_key_file: Path | None = None
    ssl_key_password: SecretStr | None = None

    # at_least_once is for clusters without transactions: after a crash or a rebalance mentions may be routed twice.
    delivery: Literal["exactly_once", "at_least_once"] = "exactly_once"

    # A worker that is silent for the session timeout loses its partitions; one that is asked to give partitions up has
    # the rebalance timeout to finish the batch in hand.
    session_timeout_seconds: float = Field(10, ge=6, le=300)
    rebalance_timeout_seconds: float = Field(60, ge=6, le=900)
    # Pods with a stable name (a StatefulSet) that come back within the session timeout get their partitions back
    # without a rebalance of the group.
    group_instance_id: str | None = None

    # Between two commits of one partition under load: a transaction costs the brokers more than a larger one would.
    commit_interval_seconds: float = Field(0.05, ge=0, le=10)
    longest_commit_interval_seconds: float = Field(0.1, ge=0, le=10)

    # Ingest answers 503 when an append takes longer, or when more than this waits for the brokers.
    append_timeout_seconds: float = Field(10, gt=0, le=120)
    max_in_flight_bytes: int = Field(64 << 20, ge=1 << 20)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError(
                f"KAFKA_SECURITY_PROTOCOL={self.security_protocol} needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
            )
        if not self.security_protocol.startswith("SASL") and (self.sasl_username or self.sasl_password):
            raise ValueError("KAFKA_SASL_USERNAME is set: KAFKA_SECURITY_PROTOCOL must be SASL_SSL or SASL_PLAINTEXT")
        if bool(self.ssl_cert_file) != bool(self.ssl_key_file):
            raise ValueError("KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE belong together: set both or neither")
        if not self.security_protocol.endswith("SSL") and (self.ssl_ca_file or self.ssl_cert_file):
            raise ValueError("KAFKA_SSL_… is set: set KAFKA_SECURITY_PROTOCOL to SSL or SASL_SSL too")
        if self.longest_commit_interval_seconds < self.commit_interval_seconds:
            raise ValueError("KAFKA_LONGEST_COMMIT_INTERVAL_SECONDS must not be below KAFKA_COMMIT_INTERVAL_SECONDS")
        if self.sasl_mechanism == "PLAIN" and self.security_protocol == "SASL_PLAINTEXT":
            raise ValueError("KAFKA_SASL_MECHANISM=PLAIN without TLS sends the password in the clear: use SASL_SSL")
        return self
