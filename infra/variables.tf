variable "environment" {
  description = "dev, staging or prod; each has its own project"
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "The environment must be dev, staging or prod."
  }
}

variable "project" {
  description = "id of the Google Cloud project, which contains nothing else"
  type        = string
}

variable "region" {
  description = "region of the functions and their network"
  type        = string
}

variable "snowflake_region" {
  description = "the Google Cloud region of the Snowflake account, or the nearest one: the staging bucket is created there"
  type        = string
}

variable "firestore_location" {
  description = "the database's location: a region, nam5 or eur3; cannot be changed later"
  type        = string
}

variable "protect_data" {
  description = "refuse to delete the database and the buckets"
  type        = bool
  default     = true
}

variable "staged_files_days" {
  description = "days for which a failed job can be retried; its staged files are kept that long plus JOB_LIMIT"
  type        = number
  default     = 14

  validation {
    condition     = var.staged_files_days >= 1 && floor(var.staged_files_days) == var.staged_files_days
    error_message = "staged_files_days must be a number of whole days, 1 or more."
  }
}

variable "receipt_days" {
  description = "days for which the receipt of an ended job is kept; a failed job's at least for staged_files_days"
  type        = number
  default     = 90

  validation {
    condition     = var.receipt_days >= 1 && floor(var.receipt_days) == var.receipt_days
    error_message = "receipt_days must be a number of whole days, 1 or more."
  }
}

variable "deliver_instances" {
  description = "maximum instances of each delivery function, which send one chunk at a time: this limits the load on Kafka and the webhooks"
  type        = number
}

variable "api_instances" {
  description = "minimum and maximum instances of the API"
  type        = object({ least = number, most = number })
}

variable "most_jobs_in_flight" {
  description = "jobs in flight per organization; further requests get 429"
  type        = number
  default     = 100
}

variable "table_catalog" {
  description = "tables on offer, as docs/configuration.md describes TABLE_CATALOG"
  type = list(object({
    tables       = string
    key_column   = optional(string)
    block_column = optional(string)
  }))
  default = null
}

variable "otlp_endpoint" {
  description = "URL of an OpenTelemetry collector for traces; empty: no export"
  type        = string
  default     = ""
}

variable "aws_role_arn" {
  description = "role at Amazon that the delivery functions assume for SNS destinations without credentials, set up as in docs/destinations/sns.md; empty: the API refuses those"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^($|arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/[!-~]{1,512}$)", var.aws_role_arn))
    error_message = "aws_role_arn must be the ARN of a role, or empty."
  }
}

variable "schema_registry_url" {
  description = "schema registry of Kafka destinations in Avro that ask for the default one, as docs/configuration.md describes SCHEMA_REGISTRY_URL; empty: each must give its own"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^($|https?://[A-Za-z0-9._:\\[\\]-]+(/[A-Za-z0-9._~/-]*)?$)", var.schema_registry_url))
    error_message = "schema_registry_url is the root of a registry's API, without user information or query, or empty."
  }
}

variable "kafka" {
  description = "the broker: the principal of the SASL credentials, how long it keeps an empty group's offsets, and the settings of topics"
  type = object({
    principal   = string
    marker_days = number
    partitions  = number
    replication = number
  })

  validation {
    condition     = var.kafka.marker_days >= 1
    error_message = "The broker must keep the offsets of empty groups: they record which chunks are delivered."
  }
}

variable "settings" {
  description = "other variables of docs/configuration.md by name, without secrets"
  type        = map(string)
  default     = {}
}

variable "secret_versions" {
  description = "versions of the secrets backfills-kafka and backfills-snowflake for the functions, and of backfills-traces if the collector requires headers, and of backfills-registry if the schema registry requires credentials; a rotation increments one"
  type        = object({ kafka = string, snowflake = string, traces = optional(string), registry = optional(string) })
  default     = { kafka = "1", snowflake = "1" }
}

variable "snowflake" {
  description = "the account; tables_from: its own databases with tables on offer; shared_databases: those that another account shares with it; storage_account: the answer of DESC STORAGE INTEGRATION, empty until then"
  type = object({
    database         = string
    schema           = string
    tables_from      = list(string)
    shared_databases = optional(list(string), [])
    warehouse_size   = string
    credit_quota     = number
    storage_account  = string
  })

  validation {
    condition     = can(regex("^($|[a-z0-9-]+@[a-z0-9-]+\\.iam\\.gserviceaccount\\.com$)", var.snowflake.storage_account))
    error_message = "snowflake.storage_account must be a Google service account, as DESC STORAGE INTEGRATION prints it, or empty."
  }
}

variable "budget" {
  description = "the project's monthly budget in the account's currency, and its billing account"
  type        = object({ billing_account = string, monthly = number })
}

variable "milli_cpu_quota" {
  description = "maximum processor time of all functions together, in thousandths of a processor; null keeps the project's quota"
  type        = number
  default     = null
}

variable "static_egress_for_all" {
  description = "the functions that reach Snowflake and Kafka also leave by the reserved addresses, for allow lists there; all deliveries then share the VPC connector"
  type        = bool
  default     = false
}

variable "quota_contact" {
  description = "one person's Google account with roles/cloudquotas.admin, no group: Google sends questions about milli_cpu_quota there"
  type        = string
  default     = null

  validation {
    condition     = var.milli_cpu_quota == null || var.quota_contact != null
    error_message = "milli_cpu_quota also needs quota_contact: Google refuses a higher quota without it."
  }
}

variable "alert_email" {
  description = "the recipient of alerts"
  type        = string
}

variable "slow_unload" {
  description = "seconds after which an unload counts as slow"
  type        = number
  default     = 3600
}

variable "repository" {
  description = "the deployed Git repository, as owner and name on GitHub, and the branch"
  type        = object({ owner = string, name = string, branch = string })
}

variable "bundles" {
  description = "folder of the functions' bundles from `make bundles`"
  type        = string
  default     = "../dist"
}
