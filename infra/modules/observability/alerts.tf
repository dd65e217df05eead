# Each alert names its runbook; a test compares the two sets.

locals {
  logged   = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/backfills"
  function = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name"

  # The alert fires above `threshold` for `duration` seconds, over windows of `period` seconds.
  alerts = {
    dead-letters = {
      title     = "A message used up its attempts"
      filter    = "${local.logged}/messages_dead_letter\""
      threshold = 0
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      period    = 300
      duration  = 0
    }
    jobs-failing = {
      title     = "Jobs fail"
      filter    = "${local.logged}/jobs_ended\" AND metric.labels.status=\"failed\""
      threshold = 0
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      period    = 600
      duration  = 0
    }
    # Not the rate of retries: with a dead destination it depends on the number of lanes, falls with the growing pauses,
    # and is zero while lanes leave chunks behind. The sweep reports a stalled job once in STALL_LIMIT; the longer period
    # keeps the alert open in between.
    delivery-retries = {
      title     = "A job's deliveries make no progress"
      filter    = "${local.logged}/jobs_stalled\""
      threshold = 0
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      period    = 60 * ceil(var.stall_limit / 60) + 300
      duration  = 0
    }
    unloads-slow = {
      title     = "Snowflake's unloads are slow"
      filter    = "${local.logged}/unload_seconds\""
      threshold = var.slow_unload
      aligner   = "ALIGN_PERCENTILE_95"
      reducer   = "REDUCE_MAX"
      period    = 3600
      duration  = 0
    }
    api-errors = {
      title     = "The API answers 5xx"
      filter    = "${local.function}=\"backfills-api\" AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"5xx\""
      threshold = 5
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      period    = 300
      duration  = 0
    }
  }

  # A delivery may pause up to ten minutes between two attempts; after an hour it makes no progress.
  oldest_unacked = 3600
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each = local.alerts

  project               = var.project
  display_name          = "backfills ${var.environment}: ${each.value.title}"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.email.id]

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = "${each.value.duration}s"

      aggregations {
        alignment_period     = "${each.value.period}s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${each.value.title}. What to do: [docs/runbooks/${each.key}.md](${var.repository_url}/blob/HEAD/docs/runbooks/${each.key}.md)"
  }

  alert_strategy {
    auto_close = "86400s"
  }

  # Cloud Monitoring knows a log-based metric some minutes after its creation (docs/operations.md, step 1).
  depends_on = [google_logging_metric.this]
}

resource "google_monitoring_alert_policy" "oldest_unacked" {
  project               = var.project
  display_name          = "backfills ${var.environment}: A message waits"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.email.id]

  dynamic "conditions" {
    for_each = toset(var.subscriptions)
    content {
      display_name = "The oldest message of ${conditions.key} waits"

      condition_threshold {
        filter          = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${conditions.key}\" AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
        comparison      = "COMPARISON_GT"
        threshold_value = local.oldest_unacked
        duration        = "300s"

        aggregations {
          alignment_period   = "60s"
          per_series_aligner = "ALIGN_MAX"
        }
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A message waits. What to do: [docs/runbooks/oldest-unacked.md](${var.repository_url}/blob/HEAD/docs/runbooks/oldest-unacked.md)"
  }

  alert_strategy {
    auto_close = "86400s"
  }
}

resource "google_monitoring_alert_policy" "sweep_silent" {
  project               = var.project
  display_name          = "backfills ${var.environment}: The sweep is silent"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.email.id]

  conditions {
    display_name = "No sweep succeeded"

    condition_absent {
      filter   = "${local.function}=\"backfills-sweep\" AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"2xx\""
      duration = "600s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  # A sweep that never succeeded has no count that could be absent.
  conditions {
    display_name = "Sweeps fail"

    condition_threshold {
      filter          = "${local.function}=\"backfills-sweep\" AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class!=\"2xx\""
      comparison      = "COMPARISON_GT"
      threshold_value = 8
      duration        = "0s"

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The sweep is silent. What to do: [docs/runbooks/sweep-silent.md](${var.repository_url}/blob/HEAD/docs/runbooks/sweep-silent.md)"
  }

  alert_strategy {
    auto_close = "86400s"
  }
}

# A check from outside: the API's own counts do not show whether it is reachable.
resource "google_monitoring_uptime_check_config" "api" {
  project      = var.project
  display_name = "backfills ${var.environment}: API"
  timeout      = "10s"
  period       = "60s"

  http_check {
    path         = "/health"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = var.api_host }
  }
}

resource "google_monitoring_alert_policy" "api_out_of_reach" {
  project               = var.project
  display_name          = "backfills ${var.environment}: The API is unreachable"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.email.id]

  conditions {
    display_name = "The API is unreachable"

    condition_threshold {
      filter          = "resource.type=\"uptime_url\" AND metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id=\"${google_monitoring_uptime_check_config.api.uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "120s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The API is unreachable. What to do: [docs/runbooks/api-errors.md](${var.repository_url}/blob/HEAD/docs/runbooks/api-errors.md)"
  }

  alert_strategy {
    auto_close = "86400s"
  }
}
