locals {
  # One entry per chart: the metric, and how each minute becomes a point.
  charts = [
    { title = "Jobs by state", by = "metric.label.status", filter = "${local.logged}/jobs\"", aligner = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX" },
    { title = "Jobs ended", by = "metric.label.status", filter = "${local.logged}/jobs_ended\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM" },
    { title = "Jobs that a release cannot read", by = "resource.label.service_name", filter = "${local.logged}/jobs_passed_over\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM" },
    { title = "Job duration, seconds (p95)", by = "metric.label.status", filter = "${local.logged}/job_seconds\"", aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX" },
    { title = "Chunk delivery, seconds (p95)", by = "metric.label.destination_type", filter = "${local.logged}/chunk_seconds\"", aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX" },
    { title = "Rows per second of one delivery (median)", by = "metric.label.destination_type", filter = "${local.logged}/chunk_rows_rate\"", aligner = "ALIGN_PERCENTILE_50", reducer = "REDUCE_MEAN" },
    { title = "Messages retried per second", by = "metric.label.function", filter = "${local.logged}/messages_retried\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM" },
    { title = "Dead letters", by = "resource.label.project_id", filter = "${local.logged}/messages_dead_letter\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM" },
    { title = "Oldest unacknowledged message, seconds", by = "resource.label.subscription_id", filter = "resource.type=\"pubsub_subscription\" AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"", aligner = "ALIGN_MAX", reducer = "REDUCE_MAX" },
    { title = "Snowflake unloads, seconds (p95)", by = "metric.label.state", filter = "${local.logged}/unload_seconds\"", aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX" },
    { title = "Requests per second, by function", by = "resource.label.service_name", filter = "resource.type=\"cloud_run_revision\" AND metric.type=\"run.googleapis.com/request_count\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM" },
    { title = "Instances by function", by = "resource.label.service_name", filter = "resource.type=\"cloud_run_revision\" AND metric.type=\"run.googleapis.com/container/instance_count\"", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM" },
  ]
}

resource "google_monitoring_dashboard" "backfills" {
  project = var.project

  dashboard_json = jsonencode({
    displayName = "backfills ${var.environment}"
    mosaicLayout = {
      columns = 12
      tiles = [
        for number, chart in local.charts : {
          xPos   = 6 * (number % 2)
          yPos   = 4 * floor(number / 2)
          width  = 6
          height = 4
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [{
                plotType = "LINE"
                timeSeriesQuery = {
                  timeSeriesFilter = {
                    filter = chart.filter
                    aggregation = {
                      alignmentPeriod    = "60s"
                      perSeriesAligner   = chart.aligner
                      crossSeriesReducer = chart.reducer
                      groupByFields      = [chart.by]
                    }
                  }
                }
              }]
            }
          }
        }
      ]
    }
  })

  depends_on = [google_logging_metric.this]
}
