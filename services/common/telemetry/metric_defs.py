"""Every metric of every service in one place: type, labels, meaning, and what to do about it.

Labels are bounded: tenants come from the keys file, brands and platforms of each tenant pass through
`metrics.Bounded`, languages that are not served are `other`, the rest are enumerations. No metric carries an id, a
handle, a text or a raw path.
"""

from dataclasses import dataclass
from typing import Final, Literal

Service = Literal["ingest", "classify", "router"]

# Short waits of a pipeline up to the deadlines that a contact center promises.
_PIPELINE_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
_STEP_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric. `help`: what it counts, with its unit. `action`: what a person does when it moves."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    services: tuple[Service, ...]
    labels: tuple[str, ...]
    help: str
    action: str
    buckets: tuple[float, ...] = ()


_INGEST: Final = ("ingest",)
_CLASSIFY: Final = ("classify",)
_ROUTER: Final = ("router",)
_STAGES: Final[tuple[Service, ...]] = ("classify", "router")

INGEST_EVENTS: Final = MetricSpec(
    "triage_ingest_events_total", "counter", _INGEST, ("tenant", "event", "status"),
    "Events taken in (mention, outcome, correction) by result (accepted, rejected).",
    "Many rejected: see triage_ingest_rejections_total, and tell the tenant.",
)  # fmt: skip
INGEST_REJECTIONS: Final = MetricSpec(
    "triage_ingest_rejections_total", "counter", _INGEST, ("event", "code"),
    "Rejected events by error code.",
    "One code rising means one sender's mistake: docs/bad-requests.md says what each code asks for.",
)  # fmt: skip
INGEST_REQUESTS: Final = MetricSpec(
    "triage_ingest_requests_total", "counter", _INGEST, ("route", "status"),
    "Requests by route and HTTP status.",
    "429 or 503: senders are being slowed; look at triage_stage_queued_records and the disk. 401: a key was revoked.",
)  # fmt: skip
INGEST_REQUEST_SECONDS: Final = MetricSpec(
    "triage_ingest_request_seconds", "histogram", _INGEST, ("route",),
    "Seconds from the first byte of a request to its answer.",
    "Slow while triage_ingest_append_seconds is fast: the processor is busy. Both slow: the disk.",
    _STEP_SECONDS,
)  # fmt: skip
INGEST_APPEND_SECONDS: Final = MetricSpec(
    "triage_ingest_append_seconds", "histogram", _INGEST, (),
    "Seconds until the log has a request's events durably.",
    "Slow: the disk (or the brokers) cannot keep up with synchronous writes.",
    _STEP_SECONDS,
)  # fmt: skip
INGEST_APPEND_ERRORS: Final = MetricSpec(
    "triage_ingest_append_errors_total", "counter", _INGEST, ("reason",),
    "Requests answered 503 because the log did not take their events, by reason (full, timeout, in_flight, …).",
    "timeout, in_flight: the brokers cannot keep up or are away. Another name is the brokers' error: see the log.",
)  # fmt: skip
INGEST_IN_FLIGHT_BYTES: Final = MetricSpec(
    "triage_ingest_in_flight_bytes", "gauge", _INGEST, (),
    "Bytes of request bodies held in memory.",
    "At INGEST_MAX_IN_FLIGHT_BYTES requests get 429, a single tenant's at half of it.",
)  # fmt: skip

STAGE_RECORDS_IN: Final = MetricSpec(
    "triage_stage_records_in_total", "counter", _STAGES, ("stage",),
    "Records that a stage has taken in and committed, ticks among them.",
    "Flat while triage_stage_queued_records grows: the stage is stuck; see its log.",
)  # fmt: skip
STAGE_RECORDS_OUT: Final = MetricSpec(
    "triage_stage_records_out_total", "counter", _STAGES, ("stage", "topic"),
    "Records that a stage has written, committed with their input.",
    "Far below records in for classify: most mentions are repeats (triage_classify_duplicates_total).",
)  # fmt: skip
STAGE_FAILURES: Final = MetricSpec(
    "triage_stage_failures_total", "counter", _STAGES, ("stage", "step"),
    "Attempts that failed and were repeated, by step (process, commit).",
    "commit: the log or its disk. process: a record or a bug; dead letters follow if it stays.",
)  # fmt: skip
STAGE_DEAD_LETTERS: Final = MetricSpec(
    "triage_stage_dead_letters_total", "counter", _STAGES, ("stage", "reason"),
    "Records given up on: undecodable, invalid, failed, too_large.",
    "`mention-triage dead-letters list` shows them; the stage stops by itself if there are too many.",
)  # fmt: skip
STAGE_PROCESS_SECONDS: Final = MetricSpec(
    "triage_stage_process_seconds", "histogram", _STAGES, ("stage",),
    "Seconds that a stage's function takes for one batch.",
    "classify: the model; give it more cores or pods. Others: profile.",
    _STEP_SECONDS,
)  # fmt: skip
STAGE_COMMIT_SECONDS: Final = MetricSpec(
    "triage_stage_commit_seconds", "histogram", _STAGES, ("stage",),
    "Seconds until outputs and offset of one batch are durable; their count is commits.",
    "Slow: the disk (or the brokers).",
    _STEP_SECONDS,
)  # fmt: skip
STAGE_REBALANCE_SECONDS: Final = MetricSpec(
    "triage_stage_rebalance_seconds", "histogram", _STAGES, ("stage",),
    "Seconds that this process did not work because its group shared the partitions anew; their count is rebalances.",
    "Many: pods come and go, or one is too slow to answer within KAFKA_SESSION_TIMEOUT_SECONDS. Scale in large steps.",
    _PIPELINE_SECONDS,
)  # fmt: skip
STAGE_RESTORE_SECONDS: Final = MetricSpec(
    "triage_stage_restore_seconds", "histogram", _STAGES, ("stage",),
    "Seconds to rebuild one partition's state from its state topic; their count is rebuilds.",
    "Long: the state is large (for classify, lower CLASSIFY_SEEN_LIMIT). A partition that comes back needs none.",
    _STEP_SECONDS,
)  # fmt: skip
STAGE_FENCED: Final = MetricSpec(
    "triage_stage_fenced_total", "counter", _STAGES, ("stage", "reason"),
    "Claims on partitions that were lost, by what the log said (claimed, ProducerFenced: another worker took over).",
    "Normal, once per partition, after a pause or a network cut; nothing is repeated. Steady: look for a worker that is"
    " paused or cut off again and again.",
)  # fmt: skip
STAGE_BATCH_RECORDS: Final = MetricSpec(
    "triage_stage_batch_records", "histogram", _STAGES, ("stage",),
    "Records per batch.",
    "Always 1 means no load; always the maximum means that the stage is behind.",
    _SIZES,
)  # fmt: skip
STAGE_PARTITIONS: Final = MetricSpec(
    "triage_stage_partitions", "gauge", _STAGES, ("stage",),
    "Partitions that this process works on.",
    "Zero for minutes: more workers than partitions, or no assignment.",
)  # fmt: skip
STAGE_QUEUED_RECORDS: Final = MetricSpec(
    "triage_stage_queued_records", "gauge", _STAGES, ("stage",),
    "Records that wait for the stage in this process's partitions, ticks among them.",
    "Growing for minutes: scale the stage out.",
)  # fmt: skip
STAGE_LAG_SECONDS: Final = MetricSpec(
    "triage_stage_lag_seconds", "gauge", _STAGES, ("stage",),
    "Seconds that the waiting records will take at the pace of the last minute.",
    "Above the promised response time: scale the stage out. +Inf: records wait and none was committed for a minute.",
)  # fmt: skip
STAGE_OLDEST_WAITING_SECONDS: Final = MetricSpec(
    "triage_stage_oldest_waiting_seconds", "gauge", _STAGES, ("stage",),
    "Age of the oldest record that waits for the stage, since ingest accepted it.",
    "This, not the number of records, is what customers feel: alert on it.",
)  # fmt: skip

CLASSIFY_MENTIONS: Final = MetricSpec(
    "triage_classify_mentions_total", "counter", _CLASSIFY, ("language", "inquiry_type", "confidence"),
    "Classified mentions by language (es, pt, en, und, other), inquiry type and confidence level of the type.",
    "The share of low and abstain rising: the mentions have drifted from the training data.",
)  # fmt: skip
CLASSIFY_ABSTAINED: Final = MetricSpec(
    "triage_classify_abstained_total", "counter", _CLASSIFY, ("field",),
    "Fields (inquiry_type, sentiment, actionable) of which the model does not say what they are.",
    "Their share of the mentions rising: people decide more of them; the mentions have drifted from the training data.",
)  # fmt: skip
CLASSIFY_PERSONAL_DATA: Final = MetricSpec(
    "triage_classify_personal_data_total", "counter", _CLASSIFY, ("kind", "channel"),
    "Mentions whose text gives away personal data, by its kind and whether others can read it (public, private).",
    "Public ones rising: hide the posts, and look for a reply or a form that asks for data in public.",
)  # fmt: skip
CLASSIFY_DUPLICATES: Final = MetricSpec(
    "triage_classify_duplicates_total", "counter", _CLASSIFY, (),
    "Mentions dropped because they were output before.",
    "Normal where platforms deliver at least once; a flood of them means that a sender is in a loop.",
)  # fmt: skip
CLASSIFY_SEEN_ENTRIES: Final = MetricSpec(
    "triage_classify_seen_entries", "gauge", _CLASSIFY, (),
    "Mentions remembered to recognise repeats, all partitions of this process.",
    "Memory: about 105 bytes each.",
)  # fmt: skip
CLASSIFY_SEEN_CUT: Final = MetricSpec(
    "triage_classify_seen_cut_total", "counter", _CLASSIFY, (),
    "Remembered mentions forgotten before their time because a partition reached CLASSIFY_SEEN_LIMIT.",
    "Repeats older than what is left are taken for new: raise the limit.",
)  # fmt: skip
CLASSIFY_CACHE_REQUESTS: Final = MetricSpec(
    "triage_classify_cache_requests_total", "counter", _CLASSIFY, ("result",),
    "Look-ups of the text cache (hit, miss).",
    "A high share of hits is what makes a viral spike cheap.",
)  # fmt: skip
CLASSIFY_COALESCED: Final = MetricSpec(
    "triage_classify_coalesced_total", "counter", _CLASSIFY, (),
    "Cache misses answered by a run of the model that an equal text was already waiting for.",
    "With the cache's hits, what a viral spike saves.",
)  # fmt: skip
CLASSIFY_MODEL_BATCH: Final = MetricSpec(
    "triage_classify_model_batch_texts", "histogram", _CLASSIFY, (),
    "Texts per run of the model.",
    "Large batches mean load; the batcher takes whatever waits.",
    _SIZES,
)  # fmt: skip
CLASSIFY_MODEL_TOKENS: Final = MetricSpec(
    "triage_classify_model_tokens_total", "counter", _CLASSIFY, (),
    "Tokens run through the model, padding included.",
    "Divide by the inference seconds for the model's speed.",
)  # fmt: skip
CLASSIFY_REQUESTS: Final = MetricSpec(
    "triage_classify_requests_total", "counter", _CLASSIFY, ("route", "status"),
    "Requests of POST /v1/classify by HTTP status; they count as no mentions.",
    "429: more tries at once than are let in. 503: the pipeline needs the model itself.",
)  # fmt: skip
CLASSIFY_REQUEST_SECONDS: Final = MetricSpec(
    "triage_classify_request_seconds", "histogram", _CLASSIFY, ("route",),
    "Seconds from the first byte of a request to its answer.",
    "Explanations run the model once for each word; `explain=false` does not.",
    _STEP_SECONDS,
)  # fmt: skip
CLASSIFY_MODEL_SECONDS: Final = MetricSpec(
    "triage_classify_model_seconds", "histogram", _CLASSIFY, ("step",),
    "Seconds of one batch by step: tokenise, queue, infer.",
    "queue above infer: the model is the bottleneck; more cores or pods.",
    _STEP_SECONDS,
)  # fmt: skip

ROUTER_MENTIONS: Final = MetricSpec(
    "triage_router_mentions_total", "counter", _ROUTER,
    ("tenant", "brand", "platform", "inquiry_type"),  # one tenant's worst case: 21 * 13 * 5 = 1,365 series
    "Routed mentions by where they were written and what they want.",
    "The contact center's load; beyond the first 20 brands and 12 platforms of a tenant, they count as `other`.",
)  # fmt: skip
ROUTER_SENTIMENTS: Final = MetricSpec(
    "triage_router_sentiments_total", "counter", _ROUTER,
    ("tenant", "brand", "inquiry_type", "sentiment"),  # 21 * 5 * 3 = 315; with the platform too it would be 4,095
    "Routed mentions by what they want and in which mood.",
    "Negative ones rising for one brand: read what it is about. Brands are bounded as above.",
)  # fmt: skip
ROUTER_QUEUED: Final = MetricSpec(
    "triage_router_queued_total", "counter", _ROUTER, ("tenant", "queue", "priority"),
    "Routed mentions by where they go and how urgently.",
    "P1 rising: call people in.",
)  # fmt: skip
ROUTER_RECEIVED_TO_ROUTED: Final = MetricSpec(
    "triage_router_received_to_routed_seconds", "histogram", _ROUTER, (),
    "Seconds from the acceptance of a mention to its durable routing.",
    "The upper end rising: see which stage's oldest record waits.",
    _PIPELINE_SECONDS,
)  # fmt: skip
ROUTER_PAGES: Final = MetricSpec(
    "triage_router_pages_total", "counter", _ROUTER, ("tenant", "status"),
    "Requests of GET /v1/routed by HTTP status.",
    "410: a reader stayed away longer than routed mentions are kept. 429: too many pages at once; see its reader.",
)  # fmt: skip
ROUTER_PAGE_ITEMS: Final = MetricSpec(
    "triage_router_page_items_total", "counter", _ROUTER, ("tenant",),
    "Routed mentions handed out over HTTP.",
    "Far below the tenant's routed mentions: its reader is behind, or filters.",
)  # fmt: skip

AGREEMENT_JUDGEMENTS: Final = MetricSpec(
    "triage_agreement_judgements_total", "counter", _ROUTER,
    ("field", "language", "confidence", "agreed"),  # (3 * 4 + 1) * 5 * 2 = 130 series
    "Fields that agents judged (inquiry_type, sentiment, actionable, language) by the model's language and confidence"
    " in the field (none for language), and whether the agent agreed (yes, no).",
    "The share of `no` rising, in the same way of judging: the mentions have drifted; docs/corrections.md.",
)  # fmt: skip
AGREEMENT_INQUIRY_TYPES: Final = MetricSpec(
    "triage_agreement_inquiry_types_total", "counter", _ROUTER, ("predicted", "judged"),
    "Judged inquiry types: the model's label and the agent's.",
    "A pair that grows tells what to write and label more of before the next training.",
)  # fmt: skip

SPIKES_OBSERVED: Final = MetricSpec(
    "triage_spikes_observed_per_minute", "gauge", _ROUTER, ("tenant", "brand"),
    "Mentions per minute of a brand, over the window that stands out most; `other`: the most of the brands without a"
    " name of their own here.",
    "Compare with triage_spikes_expected_per_minute.",
)  # fmt: skip
SPIKES_EXPECTED: Final = MetricSpec(
    "triage_spikes_expected_per_minute", "gauge", _ROUTER, ("tenant", "brand"),
    "What that window normally brings at this hour, mentions per minute.",
    "Far from what people know of the brand: `mention-triage spikes learn` makes a baseline from a history.",
)  # fmt: skip
SPIKES_RATIO: Final = MetricSpec(
    "triage_spikes_ratio", "gauge", _ROUTER, ("tenant", "brand"),
    "Observed over expected.",
    "docs/runbooks/spike.md.",
)  # fmt: skip
SPIKES_RISING: Final = MetricSpec(
    "triage_spikes_rising", "gauge", _ROUTER, ("tenant", "brand"),
    "1 while a brand's mentions are above normal by more than chance, else 0. Quick and mild: for operations.",
    "1 for half an hour: more load than the hour's; call people in, or let the queue grow.",
)  # fmt: skip
SPIKES_ACTIVE: Final = MetricSpec(
    "triage_spikes_active", "gauge", _ROUTER, ("tenant", "brand"),
    "1 while a brand has an open episode, else 0. Rare: for people.",
    "docs/runbooks/spike.md.",
)  # fmt: skip
SPIKES_SEVERITY: Final = MetricSpec(
    "triage_spikes_severity", "gauge", _ROUTER, ("tenant", "brand"),
    "Severity of a brand's open episode, 1 to 10; 0 where there is none.",
    "7 and more: docs/runbooks/spike.md.",
)  # fmt: skip
SPIKES_CAUSE: Final = MetricSpec(
    "triage_spikes_cause", "gauge", _ROUTER, ("tenant", "brand", "cause"),
    "1 for the cause of a brand's open episode: virality, campaign, press, outage, flood or unknown.",
    "The alerts name it; `mention-triage tail alerts` shows the evidence.",
)  # fmt: skip
SPIKES_EPISODES: Final = MetricSpec(
    "triage_spikes_episodes_total", "counter", _ROUTER, ("tenant", "event"),
    "Events of episodes: started, escalated, eased, ended.",
    "Many started: the brand lives on bursts, or something is delivered late again and again.",
)  # fmt: skip
SPIKES_DETECTION_SECONDS: Final = MetricSpec(
    "triage_spikes_detection_seconds", "histogram", _ROUTER, (),
    "Seconds from the beginning of a rise to the durable event that its episode has started.",
    "Long while triage_spikes_watermark_lag_seconds is short: the rise was slow.",
    _PIPELINE_SECONDS,
)  # fmt: skip
SPIKES_WATERMARK_LAG: Final = MetricSpec(
    "triage_spikes_watermark_lag_seconds", "gauge", _ROUTER, ("source",),
    "How far the detector's time is behind the clock, by what is counted (mentions, classified); the worst partition."
    " Absent before anything is known.",
    "Above a minute: a counting stage is behind or stands; see triage_stage_oldest_waiting_seconds of volume and mix.",
)  # fmt: skip
SPIKES_LEFT_OUT: Final = MetricSpec(
    "triage_spikes_left_out_partitions", "gauge", _ROUTER, ("source",),
    "Partitions of the source that the detector goes on without because nothing came from them for a minute.",
    "Not 0: nobody works on them; what they hold is counted late, into hours that are over.",
)  # fmt: skip
SPIKES_LATE: Final = MetricSpec(
    "triage_spikes_late_mentions_total", "counter", _ROUTER, ("tenant",),
    "Mentions counted after their bucket was closed; they correct what is remembered.",
    "Many: partitions were left out, or ingest's clocks differ.",
)  # fmt: skip
SPIKES_UNWATCHED: Final = MetricSpec(
    "triage_spikes_unwatched_mentions_total", "counter", _ROUTER, ("tenant",),
    "Mentions of brands and platforms that are not watched: the partition or the tenant has as many series as it may.",
    "Raise SPIKES_MAX_SERIES (a tenant gets half of it), or find out who invents brands.",
)  # fmt: skip
SPIKES_SERIES: Final = MetricSpec(
    "triage_spikes_series", "gauge", _ROUTER, (),
    "Series (brands, and brands by platform) that this process watches.",
    "Memory: docs/spikes.md says how much a series takes.",
)  # fmt: skip
VOLUME_DUPLICATES: Final = MetricSpec(
    "triage_volume_duplicates_total", "counter", _ROUTER, (),
    "Mentions not counted because they were counted before.",
    "Normal where platforms deliver at least once.",
)  # fmt: skip
VOLUME_OLD: Final = MetricSpec(
    "triage_volume_old_mentions_total", "counter", _ROUTER, ("tenant",),
    "Mentions counted apart because they were written long before they were received.",
    "History delivered late. All of a platform's: its connector polls too seldom, or its clock is wrong.",
)  # fmt: skip
VOLUME_SEEN_ENTRIES: Final = MetricSpec(
    "triage_volume_seen_entries", "gauge", _ROUTER, (),
    "Mentions remembered so that each is counted once, all partitions of this process.",
    "Memory: about 105 bytes each.",
)  # fmt: skip
VOLUME_SEEN_CUT: Final = MetricSpec(
    "triage_volume_seen_cut_total", "counter", _ROUTER, (),
    "Remembered mentions forgotten before their time because a partition reached ROUTER_SEEN_LIMIT.",
    "Repeats older than what is left are counted again: raise the limit.",
)  # fmt: skip
TICKS: Final = MetricSpec(
    "triage_ticks_total", "counter", _ROUTER, (),
    "Ticks appended to partitions of mentions: one each ten seconds, where all that came before is counted.",
    "None while nothing is posted: the detector's time stands still.",
)  # fmt: skip

METRICS: Final[tuple[MetricSpec, ...]] = tuple(
    value for value in list(globals().values()) if isinstance(value, MetricSpec)
)
