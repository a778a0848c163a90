"""The log on Apache Kafka, through aiokafka. What is here knows the traps of docs/decisions/0008-kafka.md."""
