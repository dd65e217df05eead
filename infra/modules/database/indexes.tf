# Exactly the indexes that the queries of shared/adapters/firestore_*.py use; a test compares both. Without its index
# Firestore refuses a query. Each indexed field costs an index entry, often two, at each write of a chunk's count or a
# lease, so nothing else is indexed.

locals {
  unindexed = [
    "chunks", "counts", "deliveries", "delivered", "destinations", "filter", "idempotency_keys", "jobs", "rates",
    "topics",
  ]

  # Collection and field, and the code that queries it.
  single = {
    "chunks.delivered"   = "COLLECTION"
    "deliveries.chunk"   = "COLLECTION"
    "deliveries.skips"   = "COLLECTION"
    "deliveries.state"   = "COLLECTION"
    "jobs.records_until" = "COLLECTION_GROUP"
    "jobs.status"        = "COLLECTION"
    "jobs.torn_down"     = "COLLECTION_GROUP"
  }

  # By collection and, if it has several, a name. Firestore cannot read an index of two fields in reverse order.
  composite = {
    "jobs"             = ["time_created", "job_id"]
    "jobs.desc"        = ["time_created desc", "job_id desc"]
    "jobs.status"      = ["status", "time_created", "job_id"]
    "jobs.status_desc" = ["status", "time_created desc", "job_id desc"]
    "deliveries"       = ["destination", "state", "rows"]
  }
}

resource "google_firestore_field" "unindexed" {
  for_each = toset(local.unindexed)

  project    = var.project
  database   = google_firestore_database.this.name
  collection = each.key
  field      = "*"

  index_config {}
}

resource "google_firestore_field" "indexed" {
  for_each = local.single

  project    = var.project
  database   = google_firestore_database.this.name
  collection = split(".", each.key)[0]
  field      = split(".", each.key)[1]

  index_config {
    indexes {
      order       = "ASCENDING"
      query_scope = each.value
    }
  }

  depends_on = [google_firestore_field.unindexed]
}

resource "google_firestore_field" "expires" {
  project    = var.project
  database   = google_firestore_database.this.name
  collection = "idempotency_keys"
  field      = "expires"

  index_config {}
  ttl_config {}

  depends_on = [google_firestore_field.unindexed]
}

resource "google_firestore_index" "composite" {
  for_each = local.composite

  project     = var.project
  database    = google_firestore_database.this.name
  collection  = split(".", each.key)[0]
  query_scope = "COLLECTION"

  dynamic "fields" {
    for_each = each.value
    content {
      field_path = trimsuffix(fields.value, " desc")
      order      = endswith(fields.value, " desc") ? "DESCENDING" : "ASCENDING"
    }
  }
}
