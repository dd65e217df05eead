output "api_url" {
  description = "the API's URL"
  value       = local.url["api"]
}

output "egress_addresses" {
  description = "the source addresses of jobs with static_egress_ip, and with static_egress_for_all of all that reaches Snowflake and Kafka; for allow lists"
  value       = module.network.addresses
}

output "deliver_accounts" {
  description = "the delivering accounts, for the owners of destination buckets and topics"
  value       = [for name, email in module.identities.emails : email if startswith(name, "deliver")]
}

output "deliver_account_ids" {
  description = "the unique ids of those accounts, for the trust policy of a role at Amazon"
  value       = [for name, id in module.identities.unique_ids : id if startswith(name, "deliver")]
}

output "snowflake_setup" {
  description = "SQL that an account administrator runs once in Snowflake"
  value       = module.snowflake.setup
}

output "kafka_acls" {
  description = "commands that a broker's administrator runs once"
  value       = module.kafka.acls
}

output "sources_bucket" {
  description = "bucket of the functions' bundles and of the releases"
  value       = module.storage.sources_bucket
}

output "installation" {
  description = "the installation as JSON without secrets, for the operator's doctor"
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
    schema_registry    = var.schema_registry_url
    storage_account    = var.snowflake.storage_account
    urls               = local.url
    egress_addresses   = module.network.addresses
    egress_functions   = local.egress_functions
  })
}
