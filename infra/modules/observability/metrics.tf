# Metrics from the functions' structured log lines, selected by the field `event`.

locals {
  # measure: the field for a distribution; without it, the metric counts lines.
  metrics = {
    jobs_created         = { event = "job_created", audit = true, labels = [] }
    jobs_cancelled       = { event = "job_cancelled", audit = true, labels = [] }
    jobs_retried         = { event = "job_retried", audit = true, labels = [] }
    jobs_paused          = { event = "job_paused", audit = true, labels = [] }
    jobs_resumed         = { event = "job_resumed", audit = true, labels = [] }
    jobs_stalled         = { event = "job_stalled", labels = [] }
    jobs_ended           = { event = "job_ended", labels = ["status"] }
    job_seconds          = { event = "job_ended", measure = "seconds", unit = "s", labels = ["status"] }
    chunk_seconds        = { event = "chunk_delivered", measure = "seconds", unit = "s", labels = ["destination_type"] }
    chunk_rows           = { event = "chunk_delivered", measure = "rows", unit = "1", labels = ["destination_type"] }
    chunk_rows_rate      = { event = "chunk_delivered", measure = "rows_per_second", unit = "1/s", labels = ["destination_type"] }
    rows_skipped         = { event = "rows_skipped", measure = "rows", unit = "1", labels = ["destination_type"] }
    messages_retried     = { event = "message_retried", labels = ["function"] }
    messages_dead_letter = { event = "message_dead_lettered", labels = [] }
    unload_seconds       = { event = "unload_ended", measure = "seconds", unit = "s", labels = ["state"] }
    jobs_passed_over     = { event = "job_passed_over", labels = [] }
    jobs                 = { event = "jobs_census", measure = "count", unit = "1", labels = ["status"] }
  }
}

resource "google_logging_metric" "this" {
  for_each = local.metrics

  project = var.project
  name    = "backfills/${each.key}"
  filter = join(" AND ", concat(
    ["resource.type=\"cloud_run_revision\"", "jsonPayload.event=\"${each.value.event}\""],
    try(each.value.audit, false) ? ["jsonPayload.audit=true"] : [],
  ))
  value_extractor  = try("EXTRACT(jsonPayload.${each.value.measure})", null)
  label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = can(each.value.measure) ? "DISTRIBUTION" : "INT64"
    unit        = try(each.value.unit, "1")

    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  # From 1/64 to about 70 million, with two buckets per doubling: fits seconds, rows and rates.
  dynamic "bucket_options" {
    for_each = can(each.value.measure) ? [1] : []
    content {
      exponential_buckets {
        num_finite_buckets = 64
        growth_factor      = 1.4142135623730951
        scale              = 0.015625
      }
    }
  }
}
