variable "project" {
  type = string
}

locals {
  services = [
    "artifactregistry", "billingbudgets", "cloudbuild", "cloudfunctions", "cloudquotas", "cloudresourcemanager",
    "cloudscheduler", "compute", "firestore", "iam", "logging", "monitoring", "pubsub", "run", "secretmanager",
    "storage", "vpcaccess",
  ]
}

resource "google_project_service" "this" {
  for_each = toset(local.services)

  project = var.project
  service = "${each.key}.googleapis.com"

  # Other resources in the project may depend on it by now.
  disable_on_destroy = false
}

output "project" {
  value = var.project

  depends_on = [google_project_service.this]
}
