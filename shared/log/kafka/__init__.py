"""The log on Apache Kafka, through aiokafka. docs/decisions/0008-kafka.md describes the pitfalls."""
