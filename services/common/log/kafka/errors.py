"""What each error of the brokers means to the port, in one place.

| error | becomes | reaction |
|---|---|---|
| retriable ones (leader or coordinator moved, timeout, too few replicas) | – | aiokafka tries again until it is done |
| no broker answers | `LogUnavailable` | the caller waits and tries again |
| fenced, out of sequence, unknown producer and all others in a commit | `Fenced` | claimed anew while it is assigned |
| the same in an append | `LogUnavailable` | the producer is replaced; ingest answers 503 |
| not authorised | `NotAuthorized` | the stage stops and says which right is missing |
| record larger than the table of topics has it | `RecordTooLarge`, unsent | the record becomes a dead letter |
| record larger than the topic as it is set | `LogError` | the stage stops and says so |
"""

from typing import Final

from aiokafka import errors as kafka

from services.common.log.port import Fenced, LogError, LogUnavailable, NotAuthorized

# Reasons of `Fenced` that mean that another worker has claimed the partition.
TAKEN_OVER: Final = (kafka.ProducerFenced.__name__, kafka.InvalidProducerEpoch.__name__)
# A commit outside of a transaction that came after the group had gone on without this member.
MEMBERSHIP_LOST: Final = (
    kafka.CommitFailedError,
    kafka.IllegalGenerationError,
    kafka.UnknownMemberIdError,
    kafka.RebalanceInProgressError,
    kafka.IllegalStateError,
)
NOT_AUTHORIZED: Final = (
    kafka.TopicAuthorizationFailedError,
    kafka.GroupAuthorizationFailedError,
    kafka.ClusterAuthorizationFailedError,
    kafka.TransactionalIdAuthorizationFailed,
)
TOO_LARGE: Final = (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError)


def port_error(error: Exception, doing: str) -> LogError:
    """The port's error for one of aiokafka's.

    `doing`: what failed, such as `writing to routed.v1`. The message holds the error's type, never its text, which may
    quote a record.
    """
    name = type(error).__name__
    if isinstance(error, MEMBERSHIP_LOST):
        return Fenced(f"{doing}: {name}; the partition is claimed anew while it is assigned", name)
    if isinstance(error, kafka.InconsistentGroupProtocolError):
        return LogError(f"{doing}: the group has members of another program, or of a version that shares otherwise")
    if isinstance(error, NOT_AUTHORIZED):
        return NotAuthorized(
            f"{doing}: the brokers refuse it ({name}): give this user the rights that `mention-triage acls` lists"
        )
    if isinstance(error, TOO_LARGE):
        return LogError(
            f"{doing}: a topic takes smaller records than it should: `mention-triage topics check` says which, and"
            " `… apply` puts it right"
        )
    if isinstance(error, kafka.KafkaError | OSError | TimeoutError):
        return LogUnavailable(f"{doing}: the brokers do not answer as they should ({name})")
    return LogError(f"{doing}: {name}")
