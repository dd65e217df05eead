# One service account for each function, and for each caller and builder. Each permission is defined with its resource;
# tests/infra/roles.py lists all of them in one table.

variable "project" {
  type = string
}

variable "functions" {
  type = list(string)
}

resource "google_service_account" "function" {
  for_each = toset(var.functions)

  project      = var.project
  account_id   = "backfills-${each.key}"
  display_name = "The ${each.key} function"
}

resource "google_service_account" "push" {
  project      = var.project
  account_id   = "backfills-push"
  display_name = "Pub/Sub, when it pushes to the functions"
}

resource "google_service_account" "schedule" {
  project      = var.project
  account_id   = "backfills-schedule"
  display_name = "Cloud Scheduler, when it calls the sweep"
}

resource "google_service_account" "build" {
  project      = var.project
  account_id   = "backfills-build"
  display_name = "Builds the functions' images"
}

resource "google_project_iam_member" "build_logs" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}

output "emails" {
  value = { for name, account in google_service_account.function : name => account.email }
}

output "unique_ids" {
  value = { for name, account in google_service_account.function : name => account.unique_id }
}

output "members" {
  value = { for name, account in google_service_account.function : name => account.member }
}

output "ids" {
  value = merge(
    { for name, account in google_service_account.function : name => account.name },
    { push = google_service_account.push.name, schedule = google_service_account.schedule.name },
  )
}

output "push" {
  value = {
    id     = google_service_account.push.name
    email  = google_service_account.push.email
    member = google_service_account.push.member
  }
}

output "schedule" {
  value = { email = google_service_account.schedule.email, member = google_service_account.schedule.member }
}

output "build" {
  value = { id = google_service_account.build.name, member = google_service_account.build.member }
}
