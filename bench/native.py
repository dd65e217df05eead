"""The native encoder compared with the Python one: the encoder alone, and a sender to Kafka's mock
cluster.
"""

from bench import chunk, kafka, kafka_work, process
from bench.figures import Figure, figure, ratio
from bench.rounds import paired
from shared.encoding import NATIVE_INSTALLED

KEYS = ("encode_native_vs_pure", "kafka_cpu_vs_pure", "kafka_two_cores_vs_one")


def run(rounds: int) -> dict[str, Figure]:
    if not NATIVE_INSTALLED:
        print(f"{' and '.join(KEYS)} are skipped: the native encoder is not built")
        return {}
    path = chunk.staged()
    found = paired(
        {
            "native": lambda: process.work(kafka_work.encode_only, path=str(path)),
            "python": lambda: process.work(kafka_work.encode_only, path=str(path), in_python=True),
            "native_sent": lambda: kafka.sent(kafka_work.product, path),
            "two_cores": lambda: kafka.sent(kafka_work.product, path, core=None, ahead=True),
            "python_sent": lambda: kafka.sent(kafka_work.product, path, in_python=True),
        },
        rounds,
    )
    return {
        "encode_native_vs_pure": ratio(found["native"], found["python"], "rows_per_s"),
        "kafka_cpu_vs_pure": ratio(found["native_sent"], found["python_sent"], "cpu_us"),
        "kafka_two_cores_vs_one": ratio(found["two_cores"], found["native_sent"], "rows_per_s"),
        "kafka_native_vs_pure": ratio(found["native_sent"], found["python_sent"], "rows_per_s"),
        "encode_native_cpu_us_per_row": figure(each["cpu_us"] for each in found["native"]),
        "encode_python_cpu_us_per_row": figure(each["cpu_us"] for each in found["python"]),
    }
