variable "project" {
  type = string
}

variable "region" {
  type = string
}

variable "account" {
  description = "e-mail address of the caller"
  type        = string
}

variable "url" {
  type = string
}

resource "google_cloud_scheduler_job" "sweep" {
  project          = var.project
  region           = var.region
  name             = "backfills-sweep"
  description      = "Checks jobs that have no pending message"
  schedule         = "* * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "300s"

  # The next minute's call serves as the retry.
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = var.url

    oidc_token {
      service_account_email = var.account
      audience              = var.url
    }
  }
}
