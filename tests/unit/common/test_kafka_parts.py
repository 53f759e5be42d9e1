"""Parts of the Kafka adapter that need no broker."""

import pytest
from aiokafka import errors as kafka
from pydantic import ValidationError

from services.common.log.kafka.connection import bootstrap_servers, connection_options
from services.common.log.kafka.errors import port_error
from services.common.log.kafka.pacing import CommitPacing, CommitPacingState
from services.common.log.kafka.producing import check_sizes
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.kafka.source import Inbox
from services.common.log.port import Fenced, LogError, LogUnavailable, NewRecord, NotAuthorized, Record, RecordTooLarge
from services.common.log.topics import CLASSIFIED, MENTIONS


def record(offset: int, size: int = 10) -> Record:
    return Record("in.v1", 0, offset, None, b"x" * size, 0)


def test_the_pause_between_commits_grows_with_what_a_commit_takes() -> None:
    pacing = CommitPacing(0.05, 0.1)
    assert [pacing.pause(seconds) for seconds in (0.001, 0.005, 0.008, 0.5)] == [0.05, 0.05, 0.08, 0.1]


def test_a_partition_waits_after_a_commit_and_not_when_it_was_idle() -> None:
    now = 100.0
    state = CommitPacingState(CommitPacing(0.05, 0.1), lambda: now)
    assert state.wait() <= 0
    state.committed(0.002)
    assert state.wait() == pytest.approx(0.05)
    now += 0.06
    assert state.wait() <= 0


def test_an_inbox_gives_within_the_limits_and_always_one() -> None:
    inbox = Inbox(0)
    inbox.put([record(n) for n in range(5)])
    assert [r.offset for r in inbox.take(2, 1_000)] == [0, 1]
    assert [r.offset for r in inbox.take(10, 25)] == [2, 3]
    assert [r.offset for r in inbox.take(10, 1)] == [4]
    assert inbox.take(10, 1) == []
    assert inbox.size == 0


def test_an_inbox_is_full_by_records_and_by_bytes() -> None:
    inbox = Inbox(0)
    assert inbox.low
    inbox.put([record(n) for n in range(1_000)])
    assert inbox.full
    inbox.take(800, 1 << 30)
    assert not inbox.full
    assert inbox.low
    inbox.put([record(1_000, 2 << 20)])
    assert inbox.full
    assert not inbox.low


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (kafka.TopicAuthorizationFailedError("t"), NotAuthorized),
        (kafka.GroupAuthorizationFailedError("g"), NotAuthorized),
        (kafka.TransactionalIdAuthorizationFailed("t"), NotAuthorized),
        (kafka.CommitFailedError("c"), Fenced),
        (kafka.IllegalGenerationError(), Fenced),
        (kafka.MessageSizeTooLargeError(), LogError),
        (kafka.KafkaConnectionError(), LogUnavailable),
        (kafka.RequestTimedOutError(), LogUnavailable),
        (TimeoutError(), LogUnavailable),
    ],
)
def test_every_error_of_the_brokers_has_its_meaning(error: Exception, expected: type[LogError]) -> None:
    assert type(port_error(error, "doing it")) is expected


def test_no_error_repeats_what_the_brokers_quote() -> None:
    assert "secret" not in str(port_error(kafka.KafkaError("secret"), "doing it"))


def test_a_record_is_too_large_by_its_topics_limit() -> None:
    large = b"x" * (1 << 20)
    with pytest.raises(RecordTooLarge, match=MENTIONS):
        check_sizes([NewRecord(MENTIONS, 0, b"k", large, 0)])
    check_sizes([NewRecord(CLASSIFIED, 0, b"k", large, 0)])
    with pytest.raises(RecordTooLarge, match=CLASSIFIED):
        check_sizes([NewRecord(CLASSIFIED, 0, b"k", large, 0, (("h", large),))])


@pytest.mark.parametrize("url", ["kafka://", "kafka://host", "kafka://host:0", "kafka://host:9092,", "kafka://h:9/x"])
def test_a_url_that_names_no_brokers_is_refused(url: str) -> None:
    with pytest.raises(LogError, match="kafka://host:9092"):
        bootstrap_servers(url)


def test_a_url_may_name_several_brokers() -> None:
    options = connection_options("kafka://a:9092,b:9093", KafkaSettings())
    assert options["bootstrap_servers"] == ["a:9092", "b:9093"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"security_protocol": "SASL_SSL"}, "KAFKA_SASL_USERNAME"),
        ({"sasl_username": "u", "sasl_password": "p"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"security_protocol": "SSL", "ssl_cert_file": "c"}, "KAFKA_SSL_KEY_FILE"),
        ({"ssl_ca_file": "c"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"commit_interval_seconds": 1}, "KAFKA_LONGEST_COMMIT_INTERVAL_SECONDS"),
    ],
)
def test_settings_that_contradict_each_other_are_named(settings: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        KafkaSettings.model_validate(settings)
