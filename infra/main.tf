# One module for each concern; modules use each other's outputs. The project comes from `services`, so that every
# resource waits until the APIs are enabled.

data "google_project" "this" {
  project_id = var.project
}

locals {
  # A function's URL is known before its creation, so that its settings can contain it: Pub/Sub's tokens name it.
  url = {
    for name in local.function_names :
    name => "https://backfills-${name}-${data.google_project.this.number}.${var.region}.run.app"
  }
  function_names = ["api", "stage", "deliver", "deliver-static", "dead-letter", "sweep"]

  # The functions whose traffic leaves by the reserved addresses. The others reach only Google's APIs.
  egress_functions = concat(["deliver-static"], var.static_egress_for_all ? ["stage", "deliver", "sweep"] : [])

  # Each value is below the one before it: Pub/Sub waits longer than the function may run, the function may run longer
  # than its handler's deadline, and the handler waits longer than Kafka's client does for one message.
  ack_deadline      = 600
  function_timeout  = 570
  delivery_deadline = 480

  # The files of a job that is retried on the last allowed day stay until its time limit ends.
  job_days = ceil(tonumber(lookup(var.settings, "JOB_LIMIT", "604800")) / 86400)
}

module "services" {
  source  = "./modules/services"
  project = var.project
}

module "identities" {
  source    = "./modules/identities"
  project   = module.services.project
  functions = local.function_names
}

module "storage" {
  source            = "./modules/storage"
  project           = module.services.project
  project_number    = data.google_project.this.number
  region            = var.region
  staging_region    = var.snowflake_region
  staged_files_days = var.staged_files_days + local.job_days
  protect           = var.protect_data
  stage_member      = module.identities.members["stage"]
  deliver_members   = { for name in ["deliver", "deliver-static"] : name => module.identities.members[name] }
  build_member      = module.identities.build.member
  snowflake_account = var.snowflake.storage_account
}

module "database" {
  source   = "./modules/database"
  project  = module.services.project
  location = var.firestore_location
  protect  = var.protect_data
  members  = module.identities.members
}

module "secrets" {
  source         = "./modules/secrets"
  project        = module.services.project
  project_number = data.google_project.this.number
  members        = module.identities.members
  traces         = var.secret_versions.traces != null
  registry       = var.secret_versions.registry != null
}

module "messaging" {
  source         = "./modules/messaging"
  project        = module.services.project
  project_number = data.google_project.this.number
  ack_deadline   = local.ack_deadline
  push_account   = module.identities.push
  urls           = local.url
  members        = module.identities.members
}

module "network" {
  source  = "./modules/network"
  project = module.services.project
  region  = var.region
}

module "functions" {
  source            = "./modules/functions"
  project           = module.services.project
  region            = var.region
  bundles           = var.bundles
  sources_bucket    = module.storage.sources_bucket
  build_account     = module.identities.build
  accounts          = module.identities.emails
  urls              = local.url
  api_member        = module.identities.members["api"]
  push_account      = module.identities.push
  schedule_account  = module.identities.schedule
  timeout           = local.function_timeout
  delivery_deadline = local.delivery_deadline
  deliver_instances = var.deliver_instances
  api_instances     = var.api_instances
  connector         = module.network.connector
  egress_functions  = local.egress_functions
  secrets           = module.secrets.ids
  secret_versions   = var.secret_versions
  settings          = var.settings
  environment = merge(
    {
      STAGING_BUCKET          = module.storage.staging_bucket
      SNOWFLAKE_STAGE         = module.snowflake.stage
      STAGED_FILES_DAYS       = tostring(var.staged_files_days)
      RECEIPT_DAYS            = tostring(var.receipt_days)
      KAFKA_MARKER_DAYS       = tostring(var.kafka.marker_days)
      KAFKA_TOPIC_PARTITIONS  = tostring(var.kafka.partitions)
      KAFKA_TOPIC_REPLICATION = tostring(var.kafka.replication)
      MOST_JOBS_IN_FLIGHT     = tostring(var.most_jobs_in_flight)
      CHUNKS_IN_FLIGHT        = tostring(max(64, var.deliver_instances))
      DELIVERIES_AT_ONCE      = tostring(var.deliver_instances)
    },
    module.messaging.environment,
    var.table_catalog == null ? {} : { TABLE_CATALOG = jsonencode([for entry in var.table_catalog : { for name, value in entry : name => value if value != null }]) },
    var.schema_registry_url == "" ? {} : { SCHEMA_REGISTRY_URL = var.schema_registry_url },
    var.aws_role_arn == "" ? {} : { AWS_ROLE_ARN = var.aws_role_arn },
    var.otlp_endpoint == "" ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT = var.otlp_endpoint },
  )

  # Everything that a function needs at its first run exists before it.
  depends_on = [module.database, module.identities, module.messaging, module.secrets, module.storage]
}

module "schedule" {
  source  = "./modules/schedule"
  project = module.services.project
  region  = var.region
  account = module.identities.schedule.email
  url     = local.url["sweep"]
}

module "observability" {
  source         = "./modules/observability"
  project        = module.services.project
  environment    = var.environment
  alert_email    = var.alert_email
  repository_url = "https://github.com/${var.repository.owner}/${var.repository.name}"
  subscriptions  = module.messaging.subscriptions
  api_host       = trimprefix(local.url["api"], "https://")
  slow_unload    = var.slow_unload
  stall_limit    = tonumber(lookup(var.settings, "STALL_LIMIT", "900"))
}

module "budget" {
  source          = "./modules/budget"
  project         = module.services.project
  project_number  = data.google_project.this.number
  region          = var.region
  environment     = var.environment
  billing_account = var.budget.billing_account
  monthly         = var.budget.monthly
  channels        = [module.observability.channel]
  milli_cpu       = var.milli_cpu_quota
  contact         = var.quota_contact
}

module "snowflake" {
  source         = "./modules/snowflake"
  database       = var.snowflake.database
  schema         = var.snowflake.schema
  tables_from    = var.snowflake.tables_from
  shared         = var.snowflake.shared_databases
  warehouse_size = var.snowflake.warehouse_size
  credit_quota   = var.snowflake.credit_quota
  unload_limit   = tonumber(lookup(var.settings, "UNLOAD_LIMIT", "14400"))
  bucket         = module.storage.staging_bucket
}

module "kafka" {
  source    = "./modules/kafka"
  principal = var.kafka.principal
}

module "pipeline" {
  source         = "./modules/pipeline"
  project        = module.services.project
  region         = var.region
  environment    = var.environment
  repository     = var.repository
  sources_bucket = module.storage.sources_bucket
  approval       = var.environment == "prod"
  run_as         = merge(module.identities.ids, { build = module.identities.build.id })
}
