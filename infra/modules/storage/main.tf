variable "project" {
  type = string
}

variable "project_number" {
  type = string
}

variable "region" {
  type = string
}

variable "staging_region" {
  type = string
}

variable "staged_files_days" {
  description = "days after which the bucket removes staged files"
  type        = number
}

variable "protect" {
  type = bool
}

variable "stage_member" {
  type = string
}

variable "deliver_members" {
  type = map(string)
}

variable "build_member" {
  type = string
}

variable "snowflake_account" {
  type = string
}

# In Snowflake's region: an unload to another region costs per byte and takes longer.
resource "google_storage_bucket" "staging" {
  #checkov:skip=CKV_GCP_62:Who reads and writes it is in Cloud Audit Logs; a second bucket of logs would say the same.
  #checkov:skip=CKV_GCP_78:Staged files are written once and can be unloaded again; old versions would only cost.
  project                     = var.project
  name                        = "${var.project}-backfills-staged"
  location                    = var.staging_region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.protect

  # Staged files can be unloaded again, so removed ones need no paid retention.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    condition {
      age = var.staged_files_days
    }
    action {
      type = "Delete"
    }
  }

  lifecycle_rule {
    condition {
      age = 1
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }
}

# The functions' bundles, named by their content, and the releases that contain them.
resource "google_storage_bucket" "sources" {
  #checkov:skip=CKV_GCP_62:Who reads and writes it is in Cloud Audit Logs; a second bucket of logs would say the same.
  project                     = var.project
  name                        = "${var.project}-backfills-sources"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.protect

  versioning {
    enabled = true
  }
}

# A restore's exports hold every record. No function and no release build may read them; of the deployment's accounts,
# only the one that applies it may. The restore imports them at once, so they go after some days.
resource "google_storage_bucket" "exports" {
  #checkov:skip=CKV_GCP_62:Who reads and writes it is in Cloud Audit Logs; a second bucket of logs would say the same.
  #checkov:skip=CKV_GCP_78:An export is written once and imported at once; old versions would only keep the records.
  project                     = var.project
  name                        = "${var.project}-backfills-exports"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.protect

  # What the rule removes is gone.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    condition {
      age = 5
    }
    action {
      type = "Delete"
    }
  }
}

# Reading an object also requires permission to list: otherwise a missing file is reported as forbidden.
resource "google_storage_bucket_iam_member" "deliver" {
  for_each = var.deliver_members

  bucket = google_storage_bucket.staging.name
  role   = "roles/storage.objectViewer"
  member = each.value
}

resource "google_project_iam_custom_role" "staged_files_remover" {
  project     = var.project
  role_id     = "backfillsStagedFilesRemover"
  title       = "Finds and removes staged files"
  permissions = ["storage.objects.delete", "storage.objects.list"]
}

resource "google_storage_bucket_iam_member" "stage" {
  bucket = google_storage_bucket.staging.name
  role   = google_project_iam_custom_role.staged_files_remover.name
  member = var.stage_member
}

# Snowflake's documented permissions for unloading: list, write, and remove files of failed queries.
resource "google_project_iam_custom_role" "unload_writer" {
  project = var.project
  role_id = "backfillsUnloadWriter"
  title   = "Writes Snowflake's unloads"
  permissions = [
    "storage.buckets.get", "storage.objects.create", "storage.objects.delete", "storage.objects.get",
    "storage.objects.list",
  ]
}

resource "google_storage_bucket_iam_member" "snowflake" {
  count = var.snowflake_account == "" ? 0 : 1

  bucket = google_storage_bucket.staging.name
  role   = google_project_iam_custom_role.unload_writer.name
  member = "serviceAccount:${var.snowflake_account}"
}

resource "google_storage_bucket_iam_member" "build" {
  bucket = google_storage_bucket.sources.name
  role   = "roles/storage.objectViewer"
  member = var.build_member
}

# Cloud Functions copies a bundle into its own bucket, which the build reads. A region's first function creates that
# bucket, so its permission cannot be defined with it.
resource "google_project_iam_member" "build" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = var.build_member

  condition {
    title      = "functions' sources only"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${var.project_number}-${var.region}\")"
  }
}

output "staging_bucket" {
  value = google_storage_bucket.staging.name
}

output "sources_bucket" {
  value = google_storage_bucket.sources.name
}
