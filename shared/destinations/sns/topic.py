"""A topic's name at Amazon: its ARN."""

import re
from dataclasses import dataclass

MOST_ARN_LENGTH = 330

# The partition follows from the region; those of secret services are none of ours.
_REGIONS = (
    r"aws:sns:([abd-z][a-z]|c[a-mo-z])-[a-z]+-[0-9]{1,2}"
    r"|aws-cn:sns:cn-[a-z]+-[0-9]{1,2}"
    r"|aws-us-gov:sns:us-gov-[a-z]+-[0-9]{1,2}"
)
_NAME = r"([A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo)"
PATTERN = rf"^arn:({_REGIONS}):[0-9]{{12}}:{_NAME}$"
"""What is taken, as ECMA-262 writes it."""


@dataclass(frozen=True, slots=True)
class Topic:
    """``fifo``: it keeps the order within a group, and drops what comes again within 5 minutes."""

    arn: str
    region: str
    account: str
    name: str

    @property
    def fifo(self) -> bool:
        return self.name.endswith(".fifo")


def topic_of(arn: str) -> Topic:
    """The topic in its parts; ValueError, for a person, if the text is no topic's ARN."""
    if re.fullmatch(PATTERN[1:-1], arn) is None:
        raise ValueError(
            "Give the ARN of a topic, as in arn:aws:sns:eu-west-1:123456789012:name or …:name.fifo,"
            " of a region of that partition (aws, aws-cn or aws-us-gov)"
        )
    _, _, _, region, account, name = arn.split(":")
    return Topic(arn, region, account, name)
