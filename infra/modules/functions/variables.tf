variable "project" {
  type = string
}

variable "region" {
  type = string
}

variable "bundles" {
  type = string
}

variable "sources_bucket" {
  type = string
}

variable "build_account" {
  type = object({ id = string, member = string })
}

variable "accounts" {
  description = "e-mail addresses of the functions' service accounts"
  type        = map(string)
}

variable "urls" {
  type = map(string)
}

variable "api_member" {
  type = string
}

variable "push_account" {
  type = object({ id = string, email = string, member = string })
}

variable "schedule_account" {
  type = object({ email = string, member = string })
}

variable "timeout" {
  type = number
}

variable "delivery_deadline" {
  type = number
}

variable "deliver_instances" {
  type = number
}

variable "api_instances" {
  type = object({ least = number, most = number })
}

variable "connector" {
  type = string
}

variable "egress_functions" {
  description = "the functions that use the connector"
  type        = list(string)
}

variable "secrets" {
  type = map(string)
}

variable "secret_versions" {
  type = object({ kafka = string, snowflake = string, traces = optional(string), registry = optional(string) })
}

variable "environment" {
  description = "the settings that the deployment knows; each function gets those that it uses"
  type        = map(string)
}

variable "settings" {
  description = "the operator's values of all other settings"
  type        = map(string)

  validation {
    condition     = alltrue([for name in keys(var.settings) : contains(local.known_settings, name) && !contains(keys(var.environment), name)])
    error_message = "settings must be variables of docs/configuration.md that nothing else of the deployment sets, and no secrets."
  }
}
