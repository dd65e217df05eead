"""Spark: ``to_json`` of each row, and a batch write to its Kafka sink, which has no transactions."""

import functools
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, struct, to_json

from bench.peers.installed import CONNECTOR

_LOOPBACK = "127.0.0.1"
# What Java's client has of the product's settings.
_SETTINGS = (
    "bootstrap.servers",
    "acks",
    "enable.idempotence",
    "compression.type",
    "linger.ms",
    "batch.size",
)


def send(path: str, settings: Mapping[str, Any], topic: str) -> None:
    table = _session().read.parquet(path)
    rows = table.toDF(*(name.lower() for name in table.columns))
    # By default Spark leaves out nulls; every other sender sends them.
    line = to_json(struct("*"), {"ignoreNullFields": "false"})
    writer = rows.select(col("unique_id").alias("key"), line.alias("value")).write.format("kafka")
    for name in _SETTINGS:
        writer = writer.option(f"kafka.{name}", str(settings[name]).lower())
    writer.option("topic", topic).save()


@functools.cache
def _session() -> SparkSession:
    jars = ",".join(str(jar) for jar in sorted(CONNECTOR.glob("*.jar")))
    builder = SparkSession.builder.master("local[1]").config("spark.jars", jars)
    builder = builder.config("spark.ui.enabled", "false").config("spark.driver.host", _LOOPBACK)
    session = builder.config("spark.driver.bindAddress", _LOOPBACK).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
