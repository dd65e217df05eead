"""Peak memory while sending chunks of various sizes and row groups."""

from bench import chunk, kafka, kafka_work
from bench.figures import Figure, figure, ratio
from bench.rounds import paired

KEYS = ("rss_mib_100mb_chunk_64k_groups", "rss_mib_100mb_chunk_one_group", "rss_ratio_100mb_vs_32mb")

_SMALL, _LARGE = 32_000_000, 100_000_000


def run(rounds: int) -> dict[str, Figure]:
    row = chunk.staged().stat().st_size / chunk.ROWS
    few, many = int(_SMALL / row), int(_LARGE / row)
    small = chunk.staged(few)
    large, one_group = chunk.staged(many), chunk.staged(many, group_rows=many)
    found = paired(
        {
            "small": lambda: kafka.sent(kafka_work.product, small),
            "large": lambda: kafka.sent(kafka_work.product, large),
            "one_group": lambda: kafka.sent(kafka_work.product, one_group),
        },
        rounds,
    )
    return {
        "rss_mib_100mb_chunk_64k_groups": figure(each["peak_mib"] for each in found["large"]),
        "rss_mib_100mb_chunk_one_group": figure(each["peak_mib"] for each in found["one_group"]),
        "rss_ratio_100mb_vs_32mb": ratio(found["large"], found["small"], "peak_mib"),
    }
