"""What each error of the brokers means to the port, in one place.

| error | becomes | reaction |
|---|---|---|
| retriable ones (leader or coordinator moved, timeout, too few replicas) | – | aiokafka tries again until it is done |
| no broker answers | `LogUnavailable` | the caller waits and tries again |
| fenced, out of sequence, unknown producer, invalid transaction | `Fenced` | the claim is given up and claimed anew |
| not authorised | `NotAuthorized` | the stage stops and says which right is missing |
| record too large | `RecordTooLarge` | the record becomes a dead letter |
"""

from typing import Final

from aiokafka import errors as kafka

from services.common.log.port import Fenced, LogError, LogUnavailable, NotAuthorized, RecordTooLarge

# After these the producer's session with the brokers is over: only a new producer can go on.
PRODUCER_LOST: Final = (
    kafka.ProducerFenced,
    kafka.InvalidProducerEpoch,
    kafka.OutOfOrderSequenceNumber,
    kafka.DuplicateSequenceNumber,
    kafka.UnknownProducerId,
    kafka.InvalidProducerIdMapping,
    kafka.InvalidTxnState,
    kafka.InvalidTransactionTimeout,
    kafka.TransactionCoordinatorFenced,
    kafka.ConcurrentTransactions,
    kafka.ProducerClosed,
)
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
    if isinstance(error, PRODUCER_LOST + MEMBERSHIP_LOST):
        return Fenced(f"{doing}: {name}; the partition is claimed anew if it is still this process's", name)
    if isinstance(error, NOT_AUTHORIZED):
        return NotAuthorized(
            f"{doing}: the brokers refuse it ({name}): give this user the rights that `mention-triage acls` lists"
        )
    if isinstance(error, TOO_LARGE):
        return RecordTooLarge(f"{doing}: a record is larger than the topic's max.message.bytes")
    if isinstance(error, kafka.KafkaError | OSError | TimeoutError):
        return LogUnavailable(f"{doing}: the brokers do not answer as they should ({name})")
    return LogError(f"{doing}: {name}")
