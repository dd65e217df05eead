output "api_url" {
  description = "where clients send their calls"
  value       = local.url["api"]
}

output "egress_addresses" {
  description = "the addresses from which jobs with static_egress_ip are delivered, for receivers' allow lists"
  value       = module.network.addresses
}

output "deliver_accounts" {
  description = "the accounts that deliver, for the owners of the buckets and topics that they write to"
  value       = [for name, email in module.identities.emails : email if startswith(name, "deliver")]
}

output "deliver_account_ids" {
  description = "the unique ids of those accounts, by which a role at Amazon trusts them"
  value       = [for name, id in module.identities.unique_ids : id if startswith(name, "deliver")]
}

output "snowflake_setup" {
  description = "what an account administrator runs in Snowflake, once"
  value       = module.snowflake.setup
}

output "kafka_acls" {
  description = "what a broker's administrator runs, once"
  value       = module.kafka.acls
}

output "sources_bucket" {
  description = "bucket of the functions' bundles and of the releases"
  value       = module.storage.sources_bucket
}

output "installation" {
  description = "what the operator's doctor compares the project with, as JSON; no secrets"
  value = jsonencode({
    project            = var.project
    project_number     = data.google_project.this.number
    region             = var.region
    staging_region     = var.snowflake_region
    firestore_location = var.firestore_location
    protect_data       = var.protect_data
    staged_files_days  = var.staged_files_days + local.job_days
    deliver_instances  = var.deliver_instances
    api_instances      = var.api_instances
    marker_days        = var.kafka.marker_days
    secret_versions    = { for name, version in var.secret_versions : name => version if version != null }
    staging_bucket     = module.storage.staging_bucket
    sources_bucket     = module.storage.sources_bucket
    snowflake_stage    = module.snowflake.stage
    storage_account    = var.snowflake.storage_account
    urls               = local.url
    egress_addresses   = module.network.addresses
  })
}
