# Terraform creates the secrets and grants access to them; their values are never in its input or its state.

variable "project" {
  type = string
}

variable "project_number" {
  type = string
}

variable "members" {
  type = map(string)
}

variable "traces" {
  description = "whether the collector of traces requires headers, which are a secret"
  type        = bool
}

variable "registry" {
  description = "whether the schema registry wants credentials, which are a secret"
  type        = bool
}

locals {
  readers = merge(
    {
      kafka     = ["stage", "deliver", "deliver-static"]
      snowflake = ["stage", "sweep"]
    },
    var.traces ? { traces = keys(var.members) } : {},
    var.registry ? { registry = ["stage", "deliver", "deliver-static"] } : {},
  )
  reads = merge([
    for secret, functions in local.readers : { for name in functions : "${secret}-${name}" => { secret = secret, name = name } }
  ]...)
}

resource "google_secret_manager_secret" "connection" {
  for_each = local.readers

  project   = var.project
  secret_id = "backfills-${each.key}"

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_iam_member" "connection" {
  for_each = local.reads

  project   = var.project
  secret_id = google_secret_manager_secret.connection[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = var.members[each.value.name]
}

# Organizations' secrets are created and removed while the service runs; their names are beam-{organization}-{name}. The
# staging function reads an organization's own Kafka cluster for what it has of an ended job.
resource "google_project_iam_member" "organizations" {
  for_each = toset(["stage", "deliver", "deliver-static"])

  project = var.project
  role    = "roles/secretmanager.secretAccessor"
  member  = var.members[each.key]

  condition {
    title      = "organizations' secrets only"
    expression = "resource.name.startsWith(\"projects/${var.project_number}/secrets/beam-\")"
  }
}

# Audit log of secret reads.
resource "google_project_iam_audit_config" "secrets" {
  project = var.project
  service = "secretmanager.googleapis.com"

  dynamic "audit_log_config" {
    for_each = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]
    content {
      log_type = audit_log_config.value
    }
  }
}

output "ids" {
  value = { for name, secret in google_secret_manager_secret.connection : name => secret.secret_id }
}
