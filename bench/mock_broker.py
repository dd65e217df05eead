"""librdkafka's mock cluster in a process of its own: ``python -m bench.mock_broker TOPIC``.

Prints its address; then answers each line of its input, a topic's name, with the messages in the topic.
"""

import sys

from confluent_kafka import Consumer, Producer, TopicPartition


def main() -> None:
    cluster = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    # Asked for the topic, the cluster creates it.
    (broker,) = cluster.list_topics(sys.argv[1], timeout=10).brokers.values()
    address = f"{broker.host}:{broker.port}"
    print(address, flush=True)
    for line in sys.stdin:
        print(messages_in(address, line.strip()), flush=True)


def messages_in(bootstrap: str, topic: str) -> int:
    """The messages that a topic ever held, by its partitions' watermarks; markers of transactions count."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "count", "log_level": 0})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ends = [
            consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)[1]
            for partition in partitions
        ]
        return sum(ends)
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
