terraform {
  required_version = "~> 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.45"
    }
  }

  # Bucket and prefix differ per environment: init -backend-config=environments/dev.gcs.tfbackend
  backend "gcs" {}
}

provider "google" {
  project = var.project
  region  = var.region

  default_labels = {
    service     = "backfills"
    environment = var.environment
  }

  # Requests for budgets and quotas are made in the project's name, not the caller's.
  billing_project       = var.project
  user_project_override = true
}
