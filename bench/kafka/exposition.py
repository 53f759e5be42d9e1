"""Reading one figure out of what `/metrics` says."""

from prometheus_client.parser import text_string_to_metric_families

from services.common.telemetry.metric_defs import MetricSpec


def value_of(text: str, spec: MetricSpec) -> float:
    """The metric's value, summed over its labels; of a histogram, the count of its observations. 0 without any."""
    wanted = f"{spec.name}_count" if spec.kind == "histogram" else spec.name
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == wanted
    )
