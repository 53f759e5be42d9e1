"""What every client of the brokers is given: where they are and how to authenticate."""

import ssl
from typing import Any, Final

from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import LogError

KAFKA_SCHEME: Final = "kafka://"
CLIENT_ID: Final = "mention-triage"


def connection_options(url: str, settings: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments for aiokafka's consumers, producers and admin clients.

    `url`: `kafka://host:port[,host:port…]`. Raises `LogError` for another one, and for unreadable certificates.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": bootstrap_servers(url),
        "client_id": CLIENT_ID,
        "security_protocol": settings.security_protocol,
    }
    if settings.sasl_username and settings.sasl_password:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password.get_secret_value(),
        }
    if settings.security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    return options


def bootstrap_servers(url: str) -> list[str]:
    """`host:port` of each broker that the URL names. Raises `LogError`."""
    servers = url.removeprefix(KAFKA_SCHEME).split(",")
    if not url.startswith(KAFKA_SCHEME) or not all(_is_server(server) for server in servers):
        raise LogError(f"LOG_URL={url!r} names no brokers: write kafka://host:9092,host:9092")
    return servers


def _is_server(server: str) -> bool:
    host, colon, port = server.rpartition(":")
    return bool(
        host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536 and not set("/@") & set(server)
    )


def _ssl_context(settings: KafkaSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ssl_ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise LogError(f"KAFKA_SSL_CA_FILE={str(settings.ssl_ca_file)!r} cannot be used: {_reason(error)}") from None
    if settings.ssl_cert_file:
        password = settings.ssl_key_password.get_secret_value() if settings.ssl_key_password else ""
        try:
            # Without a password to give, OpenSSL would ask for it on the terminal.
            context.load_cert_chain(settings.ssl_cert_file, settings.ssl_key_file, lambda: password)
        except OSError as error:
            raise LogError(
                f"KAFKA_SSL_CERT_FILE={str(settings.ssl_cert_file)!r} with"
                f" KAFKA_SSL_KEY_FILE={str(settings.ssl_key_file)!r} cannot be used: {_reason(error)}; check"
                " KAFKA_SSL_KEY_PASSWORD too if the key has one"
            ) from None
    return context


def _reason(error: OSError) -> str:
    return error.reason if isinstance(error, ssl.SSLError) and error.reason else error.strerror or type(error).__name__
