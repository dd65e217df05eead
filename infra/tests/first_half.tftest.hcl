# Before the functions can be made their secrets need values, and Snowflake's side its bucket: docs/operations.md
# applies these two modules first, and the metrics, which alerts must find. What its readers then ask for must be there.

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
