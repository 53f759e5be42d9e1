"""The decision about one mention."""

from google.protobuf.timestamp_pb2 import Timestamp

from mention_triage.v1.classification_pb2 import Classification
from mention_triage.v1.mention_pb2 import Mention
from mention_triage.v1.routing_pb2 import Priority, Reason, Routing
from services.router.policy.compiled import Policy, first_match
from services.router.policy.match import Facts, facts_of
from services.router.policy.schema import DEFAULT_PLATFORM, PLACEHOLDER

_OTHER = "other"


def decide(policy: Policy, mention: Mention, classification: Classification) -> Routing:
    """Priority, queue and due times of a mention: the same for the same input and policy, at any time.

    Due times count from the mention's `received_at`. Labels must be set; they are in what classify writes.
    """
    facts = facts_of(mention, classification)
    reasons = [Reason(rule=rule.name, points=rule.gives) for rule in policy.scoring if rule.holds(facts)]
    score = sum(reason.points for reason in reasons)
    platform = policy.platforms.get(facts.platform, policy.platforms[DEFAULT_PLATFORM])
    private_limit = None if facts.public else platform.direct_message_length_limit
    return Routing(
        priority=_priority(policy, score),
        score=score,
        reasons=reasons,
        queue=_queue(policy, facts),
        first_response_due=_after(mention.received_at, first_match(policy.first_response, facts)),
        resolution_due=_after(mention.received_at, first_match(policy.resolution, facts)),
        tone=platform.tone,
        length_limit=private_limit or platform.length_limit,
        policy_version=policy.version,
    )


def _priority(policy: Policy, score: int) -> Priority:
    return next((priority for least, priority in policy.thresholds if score >= least), Priority.PRIORITY_P4)


def _queue(policy: Policy, facts: Facts) -> str:
    """The queue's name with placeholders filled in: only with values that the policy names, so that queues stay few."""
    values = {
        "language": facts.language if facts.language in policy.languages else _OTHER,
        "platform": facts.platform if facts.platform in policy.platforms else _OTHER,
        "inquiry_type": facts.inquiry_type,
        "tier": facts.tier if facts.tier in policy.tiers else _OTHER,
    }
    return PLACEHOLDER.sub(lambda match: values[match[1]], first_match(policy.queues, facts))


def _after(moment: Timestamp, minutes: int) -> Timestamp:
    return Timestamp(seconds=moment.seconds + minutes * 60, nanos=moment.nanos)
