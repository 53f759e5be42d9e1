"""TLS, SASL and mutual TLS against a broker that demands them; and settings that are wrong end in seconds, named."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.common.log.kafka.connection import connection_options
from services.common.log.kafka.opening import open_kafka_log, open_kafka_reader
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import LogError, LogUnavailable, NewRecord
from services.common.log.topics import DAY_MS, TopicSpec
from tests.support.kafka import KafkaCluster, create_topics
from tests.support.kafka.certificates import Authority, Certificate
from tests.support.kafka.security import SECURE_LISTENERS, add_users, secure_config
from tests.support.kafka.skipping import cluster_or_skip

TOPIC = TopicSpec("security.v1", DAY_MS, "delete", "anything")
USER, PASSWORD, KEY_PASSWORD = "alice", "wonderland-7", "key-password-3"


@dataclass(frozen=True)
class Secured:
    """The cluster, the authority that its clients trust, and certificates of clients."""

    cluster: KafkaCluster
    authority: Authority
    foreign: Authority
    client: Certificate
    locked: Certificate  # its key has a password
    stranger: Certificate  # signed by the foreign authority

    def url(self, listener: str, host: str = "127.0.0.1") -> str:
        """LOG_URL of a listener."""
        return "kafka://" + self.cluster.bootstrap_of(listener).replace("127.0.0.1", host)

    def settings(self, **given: Any) -> KafkaSettings:
        """Settings, with the words of the tests' tables replaced by what they stand for."""
        return KafkaSettings(**{name: self._value(value) for name, value in given.items()})

    def _value(self, value: Any) -> Any:
        owner, _, part = str(value).partition(".")
        return getattr(getattr(self, owner), part) if part and hasattr(self, owner) else value


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """One broker with every listener."""
    folder = tmp_path_factory.mktemp("security")
    authority, foreign = Authority(folder / "ca"), Authority(folder / "foreign", "another authority")
    cluster = cluster_or_skip(folder / "kafka", config=secure_config(authority), listeners=SECURE_LISTENERS)
    with cluster:
        create_topics(cluster.bootstrap, [TOPIC], partitions=1)
        add_users(cluster.admin, {USER: PASSWORD})
        yield Secured(
            cluster,
            authority,
            foreign,
            client=authority.sign("client"),
            locked=authority.sign("locked", password=KEY_PASSWORD),
            stranger=foreign.sign("stranger"),
        )


TLS = {"security_protocol": "SSL", "ssl_ca_file": "authority.file"}
CLIENT = {"ssl_cert_file": "client.certificate", "ssl_key_file": "client.key"}
SCRAM = {"sasl_username": USER, "sasl_password": PASSWORD}
SASL = SCRAM | {"security_protocol": "SASL_PLAINTEXT"}
SASL_TLS = SCRAM | TLS | {"security_protocol": "SASL_SSL"}


@pytest.mark.parametrize(
    ("listener", "given"),
    [
        pytest.param("TLS", TLS, id="tls"),
        pytest.param("MTLS", TLS | CLIENT, id="mutual tls"),
        pytest.param(
            "MTLS",
            TLS
            | {"ssl_cert_file": "locked.certificate", "ssl_key_file": "locked.key", "ssl_key_password": KEY_PASSWORD},
            id="mutual tls, key with a password",
        ),
        pytest.param("SASLTLS", SASL_TLS | {"sasl_mechanism": "SCRAM-SHA-512"}, id="scram-sha-512 over tls"),
        pytest.param("SASLTLS", SASL_TLS | {"sasl_mechanism": "SCRAM-SHA-256"}, id="scram-sha-256 over tls"),
        pytest.param("SASL", SASL, id="scram without tls"),
    ],
)
async def test_log_writes_and_reads_over_a_secured_listener(
    secured: Secured, listener: str, given: dict[str, str]
) -> None:
    log = await open_kafka_log(secured.url(listener), secured.settings(**given), [TOPIC.name])
    try:
        before = (await log.bounds(TOPIC.name))[0].end
        await log.append([NewRecord(TOPIC.name, 0, b"k", listener.encode(), int(time.time() * 1000))])
        claim = await log.claim("security", TOPIC.name, 0)  # a consumer and a transactional producer connect too
        while claim.position <= before:
            await claim.fetch(100, 1 << 20)
        await claim.commit([], claim.position)
        (record,) = await log.read(TOPIC.name, 0, before, 1, 1)
        assert record.value == listener.encode()
    finally:
        await log.close()


@pytest.mark.parametrize(
    ("listener", "given", "message"),
    [
        pytest.param("SASLTLS", SASL_TLS | {"sasl_password": "guess"}, "KAFKA_SASL_PASSWORD", id="wrong password"),
        pytest.param("SASL", SASL | {"sasl_username": "nobody"}, "KAFKA_SASL_USERNAME", id="unknown user"),
        pytest.param("SASLTLS", SASL_TLS | {"sasl_mechanism": "PLAIN"}, "set KAFKA_SASL_MECHANISM", id="mechanism"),
        pytest.param("TLS", TLS | {"ssl_ca_file": "foreign.file"}, "set KAFKA_SSL_CA_FILE", id="unknown authority"),
        pytest.param("TLS", {"security_protocol": "SSL"}, "set KAFKA_SSL_CA_FILE", id="the system's authorities"),
        pytest.param("MTLS", TLS, "KAFKA_SSL_CERT_FILE", id="no client certificate"),
        pytest.param(
            "MTLS",
            TLS | {"ssl_cert_file": "stranger.certificate", "ssl_key_file": "stranger.key"},
            "KAFKA_SSL_CERT_FILE",
            id="client certificate of another authority",
        ),
        pytest.param("TLS", {}, "set KAFKA_SECURITY_PROTOCOL to SSL", id="plain client on a tls port"),
        pytest.param("SASLTLS", SASL, "set KAFKA_SECURITY_PROTOCOL to SASL_SSL", id="sasl client on a tls port"),
        pytest.param("PLAINTEXT", TLS, "has no TLS on this port", id="tls client on a plain port"),
        pytest.param("SASL", {}, "KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT", id="plain client on a sasl port"),
        pytest.param("SASLTLS", TLS, "KAFKA_SECURITY_PROTOCOL=SASL_SSL", id="tls client on a sasl port"),
        pytest.param("PLAINTEXT", SASL, "takes no user and password", id="sasl client on a plain port"),
    ],
)
async def test_wrong_settings_end_at_once_with_their_name(
    secured: Secured, listener: str, given: dict[str, str], message: str
) -> None:
    await ends_at_once(secured.url(listener), secured.settings(**given), message)


async def test_wrong_host_name_ends_at_once(secured: Secured) -> None:
    await ends_at_once(secured.url("TLS", "localhost"), secured.settings(**TLS), "certificate for another host name")


async def ends_at_once(url: str, settings: KafkaSettings, message: str) -> None:
    """Opening fails within seconds, without waiting for brokers to come, and without the password in the message."""
    for opening in (open_kafka_log, open_kafka_reader):
        start = time.monotonic()
        with pytest.raises(LogError, match=message) as caught:
            await opening(url, settings, [TOPIC.name])
        assert not isinstance(caught.value, LogUnavailable)
        assert time.monotonic() - start < 5
        secrets = [
            secret.get_secret_value() for secret in (settings.sasl_password, settings.ssl_key_password) if secret
        ]
        assert not any(secret in str(caught.value) for secret in secrets)


async def test_brokers_that_are_away_may_come(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="Check LOG_URL"):
        await open_kafka_reader("kafka://127.0.0.1:1", KafkaSettings(), [TOPIC.name])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ssl_ca_file": "missing.pem"}, "KAFKA_SSL_CA_FILE='missing.pem' cannot be used: No such file"),
        ({"ssl_ca_file": "client.key"}, "KAFKA_SSL_CA_FILE=.*cannot be used"),
        (TLS | {"ssl_cert_file": "client.certificate", "ssl_key_file": "missing.pem"}, "KAFKA_SSL_KEY_FILE='missing"),
        (TLS | {"ssl_cert_file": "client.certificate", "ssl_key_file": "locked.key"}, "KAFKA_SSL_KEY_PASSWORD"),
        (TLS | CLIENT | {"ssl_key_file": "stranger.key"}, "cannot be used: KEY_VALUES_MISMATCH"),
    ],
)
def test_certificates_that_cannot_be_used_are_named(secured: Secured, given: dict[str, str], message: str) -> None:
    settings = secured.settings(**({"security_protocol": "SSL"} | given))
    with pytest.raises(LogError, match=message):
        connection_options("kafka://127.0.0.1:9092", settings)
