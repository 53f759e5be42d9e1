"""The triage model: what it reads, what it answers, and the two runtimes that serve it."""
