"""`topics`: what the log holds, and the topics of a Kafka cluster as the table wants them."""
