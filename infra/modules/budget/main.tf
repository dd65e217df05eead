variable "project" {
  type = string
}

variable "project_number" {
  type = string
}

variable "region" {
  type = string
}

variable "environment" {
  type = string
}

variable "billing_account" {
  type = string
}

variable "monthly" {
  type = number
}

variable "channels" {
  type = list(string)
}

variable "milli_cpu" {
  type = number
}

variable "contact" {
  description = "the account of somebody who may change quotas; an alias of a team has no permissions"
  type        = string
}

resource "google_billing_budget" "monthly" {
  billing_account = var.billing_account
  # A budget has no documentation field; its name tells the reader of an alert where to look.
  display_name = "backfills ${var.environment}, see docs/runbooks/budget.md"

  budget_filter {
    projects = ["projects/${var.project_number}"]
  }

  amount {
    specified_amount {
      units = tostring(var.monthly)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = var.channels
  }
}

# The limit of processors for all functions together, whatever their numbers of instances.
resource "google_cloud_quotas_quota_preference" "functions" {
  count = var.milli_cpu == null ? 0 : 1

  parent        = "projects/${var.project}"
  name          = "backfills-functions-cpu"
  service       = "run.googleapis.com"
  quota_id      = "CpuAllocPerProjectRegion"
  contact_email = var.contact
  dimensions    = { region = var.region }
  # Otherwise Google refuses to lower a quota by much.
  ignore_safety_checks = "QUOTA_DECREASE_PERCENTAGE_TOO_HIGH"

  quota_config {
    preferred_value = tostring(var.milli_cpu)
  }
}
