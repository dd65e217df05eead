# Two builds: one tests every commit of the branch and stores a release (cloudbuild.yaml), the other deploys a release
# (infra/deploy.yaml), in prod only after an approval.

variable "project" {
  type = string
}

variable "region" {
  type = string
}

variable "environment" {
  type = string
}

variable "repository" {
  type = object({ owner = string, name = string, branch = string })
}

variable "sources_bucket" {
  type = string
}

variable "approval" {
  type = bool
}

variable "run_as" {
  description = "ids of the deployed functions' service accounts"
  type        = map(string)
}

locals {
  # The permissions for `terraform apply`. It grants permissions, so its account could get any: it has a separate build,
  # which only a reviewed commit reaches.
  deployer_roles = [
    "roles/artifactregistry.admin", "roles/cloudbuild.builds.editor", "roles/cloudfunctions.developer",
    "roles/cloudquotas.admin", "roles/cloudscheduler.admin", "roles/compute.networkAdmin",
    "roles/compute.securityAdmin", "roles/datastore.owner", "roles/iam.roleAdmin", "roles/iam.serviceAccountAdmin", "roles/logging.admin", "roles/monitoring.admin",
    "roles/pubsub.admin", "roles/resourcemanager.projectIamAdmin", "roles/run.admin",
    "roles/serviceusage.serviceUsageAdmin", "roles/storage.admin", "roles/vpcaccess.admin",
  ]

  # The permissions for `terraform plan`.
  planner_roles = [
    "roles/artifactregistry.reader", "roles/browser", "roles/cloudbuild.builds.viewer", "roles/cloudfunctions.viewer",
    "roles/cloudquotas.viewer", "roles/cloudscheduler.viewer", "roles/compute.viewer", "roles/iam.roleViewer",
    "roles/iam.securityReviewer", "roles/iam.serviceAccountViewer", "roles/logging.viewer", "roles/monitoring.viewer",
    "roles/pubsub.viewer", "roles/run.viewer", "roles/secretmanager.viewer", "roles/serviceusage.serviceUsageConsumer",
    "roles/vpcaccess.viewer",
  ]

  # Create secrets and grant access to them, without permission to read one.
  secret_permissions = [
    "secretmanager.secrets.create", "secretmanager.secrets.get", "secretmanager.secrets.getIamPolicy",
    "secretmanager.secrets.list", "secretmanager.secrets.setIamPolicy", "secretmanager.secrets.update",
  ]

  substitutions = {
    _ENVIRONMENT = var.environment
    _REGION      = var.region
    _SOURCES     = var.sources_bucket
  }
}

resource "google_service_account" "release" {
  project      = var.project
  account_id   = "backfills-release"
  display_name = "Tests a commit and stores its release"
}

resource "google_service_account" "deploy" {
  project      = var.project
  account_id   = "backfills-deploy"
  display_name = "Plans and applies a release"
}

resource "google_project_iam_member" "logs" {
  for_each = { release = google_service_account.release.member, deploy = google_service_account.deploy.member }

  project = var.project
  role    = "roles/logging.logWriter"
  member  = each.value
}

# The release build runs a commit's code before anyone has reviewed the plan: it may only read the project, in order to
# plan, and write a release.
resource "google_project_iam_member" "plan" {
  for_each = toset(local.planner_roles)

  project = var.project
  role    = each.key
  member  = google_service_account.release.member
}

# What no predefined role can read without also reading the records and files themselves.
resource "google_project_iam_custom_role" "planner" {
  project = var.project
  role_id = "backfillsPlanner"
  title   = "Reads the settings of records and files, not their content"
  permissions = [
    "datastore.backupSchedules.get", "datastore.backupSchedules.list", "datastore.databases.get",
    "datastore.databases.getMetadata", "datastore.indexes.get", "datastore.indexes.list", "datastore.operations.get",
    "storage.buckets.get",
  ]
}

resource "google_project_iam_member" "planner" {
  project = var.project
  role    = google_project_iam_custom_role.planner.name
  member  = google_service_account.release.member
}

# Checks whether a bundle exists, by its name.
resource "google_storage_bucket_iam_member" "bundles" {
  bucket = var.sources_bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.release.member
}

resource "google_storage_bucket_iam_member" "state" {
  bucket = "${var.project}-terraform"
  role   = "roles/storage.objectViewer"
  member = google_service_account.release.member
}

resource "google_storage_bucket_iam_member" "release" {
  bucket = var.sources_bucket
  role   = "roles/storage.objectAdmin"
  member = google_service_account.release.member

  condition {
    title      = "releases only"
    expression = "resource.name.startsWith(\"projects/_/buckets/${var.sources_bucket}/objects/releases/\")"
  }
}

resource "google_project_iam_member" "deploy" {
  #checkov:skip=CKV_GCP_49:It makes the service accounts and the triggers, since both are in this configuration.
  for_each = toset(local.deployer_roles)

  project = var.project
  role    = each.key
  member  = google_service_account.deploy.member
}

resource "google_project_iam_custom_role" "secret_maker" {
  project     = var.project
  role_id     = "backfillsSecretMaker"
  title       = "Creates secrets without reading them"
  permissions = local.secret_permissions
}

resource "google_project_iam_member" "secrets" {
  project = var.project
  role    = google_project_iam_custom_role.secret_maker.name
  member  = google_service_account.deploy.member
}

# An account that creates a trigger must be allowed to act as the trigger's account, even if it is its own.
resource "google_service_account_iam_member" "deploy_run_as" {
  for_each = merge(var.run_as, { release = google_service_account.release.id, deploy = google_service_account.deploy.id })

  service_account_id = each.value
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deploy.member
}

resource "google_cloudbuild_trigger" "release" {
  project         = var.project
  location        = var.region
  name            = "backfills-release"
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.release.id
  substitutions   = local.substitutions

  github {
    owner = var.repository.owner
    name  = var.repository.name
    push {
      branch = "^${var.repository.branch}$"
    }
  }
}

# Started manually, or by a release process: gcloud builds triggers run backfills-deploy --sha=COMMIT
resource "google_cloudbuild_trigger" "deploy" {
  project         = var.project
  location        = var.region
  name            = "backfills-deploy"
  service_account = google_service_account.deploy.id
  substitutions   = local.substitutions

  source_to_build {
    uri       = "https://github.com/${var.repository.owner}/${var.repository.name}"
    ref       = "refs/heads/${var.repository.branch}"
    repo_type = "GITHUB"
  }

  git_file_source {
    path      = "infra/deploy.yaml"
    uri       = "https://github.com/${var.repository.owner}/${var.repository.name}"
    revision  = "refs/heads/${var.repository.branch}"
    repo_type = "GITHUB"
  }

  approval_config {
    approval_required = var.approval
  }
}
