# Snowflake's side is SQL for an account administrator to run: it needs the account's highest role, once, and
# a provider for it would have to hold that role's credentials for good.

variable "database" {
  description = "holds the stage; made if it is not there"
  type        = string
}

variable "schema" {
  type = string
}

variable "tables_from" {
  description = "databases of the account's own whose tables are on offer"
  type        = list(string)
}

variable "shared" {
  description = "databases on offer that another account shares: their objects can't be granted one by one"
  type        = list(string)
}

variable "warehouse_size" {
  type = string

  validation {
    condition     = contains(["XSMALL", "SMALL", "MEDIUM", "LARGE"], var.warehouse_size)
    error_message = "The warehouse is XSMALL, SMALL, MEDIUM or LARGE."
  }
}

variable "credit_quota" {
  description = "credits a month after which the warehouse is suspended"
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
    bucket         = var.bucket
  })

  precondition {
    condition     = alltrue([for name in local.identifiers : can(regex("^[A-Za-z_][A-Za-z0-9_$]*$", name))])
    error_message = "Databases and schemas are plain identifiers."
  }
}

output "stage" {
  value = upper("${var.database}.${var.schema}.BACKFILLS_STAGE")
}
