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
