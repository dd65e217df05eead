"""Which topics are the service's own, and never a destination."""

from collections.abc import Callable

from shared.config import Settings


def own_topics(settings: Settings) -> Callable[[str], bool]:
    """Whether a topic, by its full name, is one that the service's functions are called by."""
    project = f"projects/{settings.project}/topics/"
    named = {project + name for name in (settings.stage_topic, settings.chunks_topic)}
    named.add(project + settings.static_chunks_topic)

    def is_own(topic: str) -> bool:
        return topic in named or topic.startswith(f"{project}backfills-")

    return is_own
