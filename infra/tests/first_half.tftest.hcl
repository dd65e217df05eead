# The functions need their secrets' values first, and Snowflake needs its bucket: docs/operations.md applies these two
# modules first, and the metrics, which alerts need. This test checks the outputs that its readers need.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

run "secrets_and_storage" {
  command = apply

  plan_options {
    target = [module.secrets, module.storage, module.observability.google_logging_metric.this]
  }

  assert {
    condition     = strcontains(output.snowflake_setup, "gcs://${var.project}-backfills-staged/")
    error_message = "Snowflake's setup is not to be had after the first half."
  }
}
