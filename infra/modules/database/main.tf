variable "project" {
  type = string
}

variable "location" {
  type = string
}

variable "protect" {
  type = bool
}

variable "members" {
  description = "the accounts that read and write records, by function"
  type        = map(string)
}

resource "google_firestore_database" "this" {
  project                           = var.project
  name                              = "(default)"
  location_id                       = var.location
  type                              = "FIRESTORE_NATIVE"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.protect ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.protect ? "ABANDON" : "DELETE"
}

resource "google_firestore_backup_schedule" "daily" {
  project   = var.project
  database  = google_firestore_database.this.name
  retention = "1209600s" # 14 days

  daily_recurrence {}
}

resource "google_project_iam_member" "records" {
  for_each = var.members

  project = var.project
  role    = "roles/datastore.user"
  member  = each.value
}
