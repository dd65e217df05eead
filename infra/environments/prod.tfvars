environment        = "prod"
project            = "example-backfills-prod"
region             = "us-central1"
snowflake_region   = "us-central1"
firestore_location = "nam5"
# The maximum for a new project: 20 processors and 40 GiB a region. More instances need a higher quota first.
deliver_instances = 20
api_instances     = { least = 1, most = 10 }
milli_cpu_quota   = 80000
quota_contact     = "firstname.lastname@example.com"

kafka = { principal = "backfills", marker_days = 7, partitions = 6, replication = -1 }

snowflake = {
  database        = "BACKFILLS"
  schema          = "STAGING"
  tables_from     = ["BASE"]
  warehouse_size  = "SMALL"
  credit_quota    = 200
  storage_account = ""
}

budget      = { billing_account = "000000-000000-000000", monthly = 2000 }
alert_email = "backfills-oncall@example.com"
repository  = { owner = "example", name = "backfills", branch = "main" }
