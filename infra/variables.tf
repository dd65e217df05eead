variable "environment" {
  description = "dev, staging or prod; each has a project of its own"
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "Environments are dev, staging and prod."
  }
}

variable "project" {
  description = "id of the Google Cloud project, which holds nothing else"
  type        = string
}

variable "region" {
  description = "region of the functions and their network"
  type        = string
}

variable "snowflake_region" {
  description = "the Google Cloud region in which, or nearest to which, the Snowflake account lies: the staging bucket is made there"
  type        = string
}

variable "firestore_location" {
  description = "a region, or nam5 or eur3, where the database is kept; can't be changed later"
  type        = string
}

variable "protect_data" {
  description = "refuse to delete the database and the buckets"
  type        = bool
  default     = true
}

variable "staged_files_days" {
  description = "days for which a failed job can be retried; its staged files are kept so long, and for JOB_LIMIT besides"
  type        = number
  default     = 14

  validation {
    condition     = var.staged_files_days >= 1 && floor(var.staged_files_days) == var.staged_files_days
    error_message = "staged_files_days is a number of whole days, 1 or more."
  }
}

variable "receipt_days" {
  description = "days for which the receipt of a job that has ended is kept; a failed job's for staged_files_days at least"
  type        = number
  default     = 90

  validation {
    condition     = var.receipt_days >= 1 && floor(var.receipt_days) == var.receipt_days
    error_message = "receipt_days is a number of whole days, 1 or more."
  }
}

variable "deliver_instances" {
  description = "most instances of each delivery function, which send one chunk at a time: the throttle that protects Kafka and the webhooks"
  type        = number
}

variable "api_instances" {
  description = "least and most instances of the API"
  type        = object({ least = number, most = number })
}

variable "most_jobs_in_flight" {
  description = "jobs that one organization may have in flight; the next one is answered 429"
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
  description = "URL of an OpenTelemetry collector that takes the traces; empty: none are sent"
  type        = string
  default     = ""
}

variable "aws_role_arn" {
  description = "role at Amazon that the delivery functions take on for SNS destinations without credentials, as docs/destinations/sns.md sets it up; empty: those are refused"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^($|arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/[!-~]{1,512}$)", var.aws_role_arn))
    error_message = "aws_role_arn is the ARN of a role, or empty."
  }
}

variable "kafka" {
  description = "the broker's side: the principal of the SASL credentials, how long it keeps an empty group's offsets, and the shape of topics"
  type = object({
    principal   = string
    marker_days = number
    partitions  = number
    replication = number
  })

  validation {
    condition     = var.kafka.marker_days >= 1
    error_message = "The broker must keep the offsets of empty groups: they say which chunks are delivered."
  }
}

variable "settings" {
  description = "other variables of docs/configuration.md, none of them a secret, by name"
  type        = map(string)
  default     = {}
}

variable "secret_versions" {
  description = "which versions of the secrets backfills-kafka and backfills-snowflake the functions are given, and of backfills-traces if the collector wants to be shown headers; a rotation raises one"
  type        = object({ kafka = string, snowflake = string, traces = optional(string) })
  default     = { kafka = "1", snowflake = "1" }
}

variable "snowflake" {
  description = "the account's side; tables_from are databases of its own whose tables are on offer, shared_databases those that another account shares with it; storage_account is what DESC STORAGE INTEGRATION answers, empty until then"
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
    error_message = "snowflake.storage_account is a Google service account, as DESC STORAGE INTEGRATION prints it, or empty."
  }
}

variable "budget" {
  description = "what the project may cost in a month, billed to which account; units of the account's currency"
  type        = object({ billing_account = string, monthly = number })
}

variable "milli_cpu_quota" {
  description = "most processor time of all functions together, in thousandths of a processor; null leaves the project's quota alone"
  type        = number
  default     = null
}

variable "alert_email" {
  description = "who is told of alerts"
  type        = string
}

variable "slow_unload" {
  description = "seconds after which an unload is called slow"
  type        = number
  default     = 3600
}

variable "repository" {
  description = "the Git repository that is deployed, as owner and name on GitHub, and the branch"
  type        = object({ owner = string, name = string, branch = string })
}

variable "bundles" {
  description = "folder of the functions' bundles, as `make bundles` makes them"
  type        = string
  default     = "../dist"
}
