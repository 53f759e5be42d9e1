"""Benchmarks on a real Apache Kafka: what the stages cost there, how fast they are, and how they catch up."""
