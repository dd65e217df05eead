variable "project" {
  type = string
}

variable "environment" {
  type = string
}

variable "alert_email" {
  type = string
}

variable "repository_url" {
  type = string
}

variable "subscriptions" {
  description = "names of all subscriptions"
  type        = list(string)
}

variable "api_host" {
  type = string
}

variable "slow_unload" {
  description = "seconds"
  type        = number
}

variable "stall_limit" {
  description = "seconds without progress after which the sweep reports a job"
  type        = number
}

resource "google_monitoring_notification_channel" "email" {
  project      = var.project
  display_name = "backfills ${var.environment}"
  type         = "email"
  labels       = { email_address = var.alert_email }
}

output "channel" {
  value = google_monitoring_notification_channel.email.id
}
