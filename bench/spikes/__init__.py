"""The evidence for the spike detector: `python -m bench.spikes`."""
