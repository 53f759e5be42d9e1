"""The services on three brokers, and everything broken once: processes, brokers, the network, a disk."""
