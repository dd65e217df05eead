# Snowflake's part is SQL for an account administrator: it needs the account's highest role once, and a Terraform
# provider would have to keep that role's credentials permanently.

variable "database" {
  description = "the stage's database; created if it does not exist"
  type        = string
}

variable "schema" {
  type = string
}

variable "tables_from" {
  description = "the account's own databases with tables on offer"
  type        = list(string)
}

variable "shared" {
  description = "databases on offer that another account shares: their objects cannot be granted one by one"
  type        = list(string)
}

variable "warehouse_size" {
  type = string

  validation {
    condition     = contains(["XSMALL", "SMALL", "MEDIUM", "LARGE"], var.warehouse_size)
    error_message = "The warehouse must be XSMALL, SMALL, MEDIUM or LARGE."
  }
}

variable "credit_quota" {
  description = "credits per month after which the warehouse is suspended"
  type        = number
}

variable "unload_limit" {
  description = "seconds after which Snowflake aborts a statement on the warehouse"
  type        = number
}

variable "bucket" {
  type = string
}

locals {
  identifiers = concat([var.database, var.schema], var.tables_from, var.shared)
}

output "setup" {
  value = templatefile("${path.module}/setup.sql.tftpl", {
    database       = upper(var.database)
    schema         = upper(var.schema)
    tables_from    = [for name in var.tables_from : upper(name)]
    shared         = [for name in var.shared : upper(name)]
    warehouse_size = var.warehouse_size
    credit_quota   = var.credit_quota
    unload_limit   = ceil(var.unload_limit)
    bucket         = var.bucket
  })

  precondition {
    condition     = alltrue([for name in local.identifiers : can(regex("^[A-Za-z_][A-Za-z0-9_$]*$", name))])
    error_message = "Databases and schemas must be plain identifiers."
  }
}

output "stage" {
  value = upper("${var.database}.${var.schema}.BACKFILLS_STAGE")
}
