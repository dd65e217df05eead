environment        = "dev"
project            = "example-backfills-dev"
region             = "us-central1"
snowflake_region   = "us-central1"
firestore_location = "us-central1"
protect_data       = false
deliver_instances  = 4
api_instances      = { least = 0, most = 2 }

kafka = { principal = "backfills", marker_days = 7, partitions = 3, replication = -1 }

snowflake = {
  database        = "BACKFILLS"
  schema          = "STAGING"
  tables_from     = ["BASE"]
  warehouse_size  = "XSMALL"
  credit_quota    = 20
  storage_account = ""
}

budget      = { billing_account = "000000-000000-000000", monthly = 100 }
alert_email = "backfills-dev@example.com"
repository  = { owner = "example", name = "backfills", branch = "main" }
