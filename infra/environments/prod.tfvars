environment        = "prod"
project            = "example-backfills-prod"
region             = "us-central1"
snowflake_region   = "us-central1"
firestore_location = "nam5"
deliver_instances  = 50
api_instances      = { least = 1, most = 10 }
milli_cpu_quota    = 200000

kafka = { principal = "backfills", marker_days = 7, partitions = 6, replication = -1 }

snowflake = {
  database        = "BACKFILLS"
  schema          = "STAGING"
  tables_from     = ["BASE"]
  warehouse_size  = "SMALL"
  credit_quota    = 200
  storage_account = "example-snowflake@example-snowflake-project.iam.gserviceaccount.com"
}

budget      = { billing_account = "000000-000000-000000", monthly = 2000 }
alert_email = "backfills-oncall@example.com"
repository  = { owner = "example", name = "backfills", branch = "main" }
