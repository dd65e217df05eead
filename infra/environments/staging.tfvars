environment        = "staging"
project            = "example-backfills-staging"
region             = "us-central1"
snowflake_region   = "us-central1"
firestore_location = "us-central1"
deliver_instances  = 10
api_instances      = { least = 0, most = 4 }
milli_cpu_quota    = 60000
quota_contact      = "firstname.lastname@example.com"

kafka = { principal = "backfills", marker_days = 7, partitions = 6, replication = -1 }

snowflake = {
  database        = "BACKFILLS"
  schema          = "STAGING"
  tables_from     = ["BASE"]
  warehouse_size  = "XSMALL"
  credit_quota    = 50
  storage_account = ""
}

budget      = { billing_account = "000000-000000-000000", monthly = 300 }
alert_email = "backfills-staging@example.com"
repository  = { owner = "example", name = "backfills", branch = "main" }
