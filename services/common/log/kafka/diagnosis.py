"""Why no connection to the brokers comes about, told apart by trying again and looking closer.

aiokafka answers every failure to connect with the same error. Settings that are wrong do not get better by waiting:
they must stop a process at once, with a message that names the setting; brokers that are away must not.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.admin import SaslHandShakeRequest
from aiokafka.protocol.metadata import MetadataRequest

from services.common.log.port import LogError, LogUnavailable

_SECONDS: Final = 5.0
_HOST_MISMATCHES: Final = (62, 64)  # OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and …_IP_ADDRESS_MISMATCH
_UNANSWERED: Final = (KafkaConnectionError, OSError, TimeoutError)
_SASL_FAULTS: Final[dict[type[Exception], str]] = {
    SaslAuthenticationFailed: (
        "does not accept this user and password for {mechanism}: check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and"
        " KAFKA_SASL_MECHANISM"
    ),
    UnsupportedSaslMechanismError: "does not offer {mechanism}: set KAFKA_SASL_MECHANISM to one that it offers",
    IllegalSaslStateError: (
        "takes no user and password on this port: use its SASL port, or set KAFKA_SECURITY_PROTOCOL to SSL or PLAINTEXT"
    ),
}
_Fault = tuple[bool, str]  # whether it lasts until somebody changes a setting, and what it is


async def connection_error(options: Mapping[str, Any], servers: Sequence[str] = ()) -> LogError:
    """Why no broker could be used, asked for after a connection failed.

    `options`: see `connection_options`. `servers`: `host:port` of those to ask, if not those of the options. Gives
    `LogUnavailable` where waiting may help, and a `LogError` that names the setting where it cannot.
    """
    hosts = collect_hosts(list(servers or options["bootstrap_servers"]))
    given = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    faults = await asyncio.gather(*(_fault(host, port, given) for host, port, _ in hosts))
    for lasts, fault in faults:
        if lasts:
            return LogError(f"cannot use the brokers: {fault}")
    return LogUnavailable(
        "no broker can be used: " + "; ".join(fault for _, fault in faults) + ". Check LOG_URL, and that they run"
    )


async def _fault(host: str, port: int, given: Mapping[str, Any]) -> _Fault:
    server = f"{host}:{port}"
    connection: AIOKafkaConnection | None = None
    try:
        connection = await _connect(host, port, given)
        # A listener that wants a password answers what versions it has, and hangs up at the next question.
        await connection.send(MetadataRequest([]))
    except (KafkaError, OSError, TimeoutError) as error:
        lasting = await _lasting_fault(error, host, port, given)
        if lasting:
            return True, f"{server} {lasting}"
        return False, f"{server} does not answer ({type(error).__name__})"
    finally:
        if connection:
            connection.close()
    return False, f"{server} answers now"


async def _lasting_fault(error: Exception, host: str, port: int, given: Mapping[str, Any]) -> str | None:
    """What is wrong with the settings; None: nothing that can be seen."""
    for kind, fault in _SASL_FAULTS.items():
        if isinstance(error, kind):
            return fault.format(mechanism=given.get("sasl_mechanism"))
    tls = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(tls, ssl.SSLCertVerificationError):
        return _untrusted(tls)
    if isinstance(tls, ssl.SSLError) and _is_alert(tls):
        return (
            f"refuses this client's certificate, or its lack of one ({tls.reason}): check KAFKA_SSL_CERT_FILE and"
            " KAFKA_SSL_KEY_FILE, and that the brokers trust who signed it"
        )
    return await _wrong_protocol(host, port, given) if isinstance(error, _UNANSWERED) else None


def _untrusted(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _HOST_MISMATCHES:
        return (
            "has a certificate for another host name: name it in LOG_URL (and in the brokers' advertised.listeners) as"
            " its certificate does"
        )
    return (
        f"has a certificate that is not trusted ({error.verify_message}): set KAFKA_SSL_CA_FILE to the authority that"
        " signed it"
    )


def _is_alert(error: ssl.SSLError) -> bool:
    """Whether the other side has said what it does not like."""
    return "ALERT" in (error.reason or "")


async def _wrong_protocol(host: str, port: int, given: Mapping[str, Any]) -> str | None:
    """Whether the port speaks, but not what is spoken to it."""
    protocol = given["security_protocol"]
    has_tls = protocol.endswith("SSL")
    if not has_tls and await _speaks_tls(host, port):
        return f"wants TLS on this port: set KAFKA_SECURITY_PROTOCOL to {protocol.replace('PLAINTEXT', 'SSL')}"
    if has_tls and await _speaks_plaintext(host, port, given):
        return f"has no TLS on this port: use its TLS port, not KAFKA_SECURITY_PROTOCOL={protocol}"
    if not protocol.startswith("SASL") and await _wants_sasl(host, port, given):
        return (
            f"wants a user and a password on this port: set KAFKA_SECURITY_PROTOCOL=SASL_{protocol},"
            " KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
        )
    return None


async def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.create_default_context()  # only to see whether it answers in TLS: nothing is sent to it
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLError as error:
        return _is_alert(error)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


async def _speaks_plaintext(host: str, port: int, given: Mapping[str, Any]) -> bool:
    plain = {"client_id": given["client_id"], "security_protocol": "PLAINTEXT"}
    try:
        connection = await _connect(host, port, plain)
    except (KafkaError, OSError, TimeoutError):
        return False
    connection.close()
    return True


async def _wants_sasl(host: str, port: int, given: Mapping[str, Any]) -> bool:
    try:
        connection = await _connect(host, port, given)
    except (KafkaError, OSError, TimeoutError):
        return False
    try:
        response = await connection.send(SaslHandShakeRequest(""))
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        connection.close()
    return bool(response.error_code != IllegalSaslStateError.errno)


async def _connect(host: str, port: int, given: Mapping[str, Any]) -> AIOKafkaConnection:
    return await create_conn(host, port, request_timeout_ms=int(_SECONDS * 1000), **given)
