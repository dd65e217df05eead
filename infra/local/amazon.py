"""Topics and queues of the local stand-in of Amazon, which moto's server is.

By plain HTTP: Amazon's client takes half a second to import.
"""

import re
from typing import Any
from urllib.parse import urlencode

import urllib3

from infra.local import names

_http = urllib3.PoolManager(retries=False, timeout=30)

TOPICS = {"sns_topic_arn": names.SNS_TOPIC, "sns_fifo_topic_arn": names.SNS_FIFO_TOPIC}
QUEUES = {"sqs_queue_url": names.SNS_TOPIC, "sqs_fifo_queue_url": names.SNS_FIFO_TOPIC}


class AmazonRefused(Exception):  # noqa: N818 - named for what happened
    """The stand-in did not do what it was asked for."""


def describe(url: str) -> dict[str, Any]:
    """The topics, and the queue of each, which has the topic's name."""
    return {
        "aws_url": url,
        "aws_region": names.AWS_REGION,
        **{name: topic_arn(topic) for name, topic in TOPICS.items()},
        **{name: queue_url(url, queue) for name, queue in QUEUES.items()},
    }


def topic_arn(topic: str) -> str:
    return f"arn:aws:sns:{names.AWS_REGION}:{names.AWS_ACCOUNT}:{topic}"


def queue_url(url: str, queue: str) -> str:
    return f"{url}/{names.AWS_ACCOUNT}/{queue}"


def create_topics(url: str) -> None:
    for topic in TOPICS.values():
        create_topic(url, topic)


def create_topic(url: str, topic: str) -> None:
    """Create the topic, and a queue of its name that gets its messages as they are."""
    attributes = {"FifoTopic": "true"} if topic.endswith(".fifo") else {}
    of_queue = {"FifoQueue": "true"} if topic.endswith(".fifo") else {}
    _ask(url, "sns", Action="CreateTopic", Name=topic, **_entries("Attributes.entry", "key", attributes))
    _ask(
        url, "sqs", Action="CreateQueue", QueueName=topic, **_entries("Attribute", "Name", of_queue, "Value")
    )
    _ask(
        url,
        "sns",
        Action="Subscribe",
        TopicArn=topic_arn(topic),
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{names.AWS_REGION}:{names.AWS_ACCOUNT}:{topic}",
        **_entries("Attributes.entry", "key", {"RawMessageDelivery": "true"}),
    )


def messages_left(url: str, queue: str) -> int:
    """Messages of the queue that nobody has deleted."""
    answer = _ask(
        url,
        "sqs",
        Action="GetQueueAttributes",
        QueueUrl=queue_url(url, queue),
        **{"AttributeName.1": "All"},
    )
    counts = re.findall(
        r"<Name>ApproximateNumberOfMessages(?:NotVisible)?</Name>\s*<Value>([0-9]+)</Value>", answer
    )
    return sum(map(int, counts))


def _entries(prefix: str, name: str, values: dict[str, str], value: str = "value") -> dict[str, str]:
    """A mapping as Amazon's query protocol spells it."""
    found: dict[str, str] = {}
    for number, (key, text) in enumerate(values.items(), 1):
        found |= {f"{prefix}.{number}.{name}": key, f"{prefix}.{number}.{value}": text}
    return found


def _ask(url: str, service: str, **parameters: str) -> str:
    # The server looks at no signature, but takes service and region from it.
    scope = f"local/20260101/{names.AWS_REGION}/{service}/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = _http.request("POST", f"{url}/", body=urlencode(parameters), headers=headers)
    if answer.status != 200:  # noqa: PLR2004 - OK
        raise AmazonRefused(f"{parameters['Action']} answered {answer.status}: {answer.data.decode()}")
    return answer.data.decode()
