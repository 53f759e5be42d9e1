"""`spikes`: the spike detector over a history in a file, and what the router may start with."""
