output "api_url" {
  description = "where clients send their calls"
  value       = local.url["api"]
}

output "egress_addresses" {
  description = "the addresses from which jobs with static_egress_ip are delivered, for receivers' allow lists"
  value       = module.network.addresses
}

output "delivery_accounts" {
  description = "the service accounts that the owners of buckets and Pub/Sub topics give their rights to; the second one is of jobs with static_egress_ip"
  value       = [for name in ["deliver", "deliver-static"] : module.identities.emails[name]]
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
