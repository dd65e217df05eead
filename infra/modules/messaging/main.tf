# Separate push subscriptions to HTTP functions: a function's generated trigger exposes neither ack deadline, nor dead
# letters, nor message retention.

variable "project" {
  type = string
}

variable "project_number" {
  type = string
}

variable "ack_deadline" {
  type = number
}

variable "push_account" {
  type = object({ id = string, email = string, member = string })
}

variable "urls" {
  type = map(string)
}

variable "members" {
  type = map(string)
}

locals {
  # A subscription has its topic's name; the operator's replay relies on that.
  topics = {
    backfills-stage         = "stage"
    backfills-chunks        = "deliver"
    backfills-chunks-static = "deliver-static"
    backfills-dead-letter   = "dead-letter"
  }
  # A message that cannot even be dead-lettered is retried until its retention ends, and an alert reports it.
  dead_lettered = { for topic, function in local.topics : topic => function if function != "dead-letter" }

  publishers = {
    backfills-stage         = ["api", "stage", "deliver", "deliver-static", "dead-letter", "sweep"]
    backfills-chunks        = ["stage", "deliver"]
    backfills-chunks-static = ["stage", "deliver-static"]
  }
  publishes = merge([
    for topic, functions in local.publishers : { for name in functions : "${topic}-${name}" => { topic = topic, name = name } }
  ]...)

  service_agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic" "this" {
  #checkov:skip=CKV_GCP_83:Messages hold ids and no rows; Google's own encryption at rest is enough for them.
  for_each = local.topics

  project = var.project
  name    = each.key
}

resource "google_pubsub_subscription" "this" {
  for_each = local.topics

  project = var.project
  name    = each.key
  topic   = google_pubsub_topic.this[each.key].id

  ack_deadline_seconds       = var.ack_deadline
  retain_acked_messages      = true
  message_retention_duration = "604800s"

  # Never expires: otherwise 31 idle days would delete the subscription and its messages.
  expiration_policy {
    ttl = ""
  }

  push_config {
    push_endpoint = var.urls[each.value]

    oidc_token {
      service_account_email = var.push_account.email
      audience              = var.urls[each.value]
    }
  }

  retry_policy {
    minimum_backoff = "2s"
    maximum_backoff = "600s"
  }

  dynamic "dead_letter_policy" {
    for_each = each.value == "dead-letter" ? [] : [each.value]
    content {
      dead_letter_topic = google_pubsub_topic.this["backfills-dead-letter"].id
      # The maximum. Attempts count faults, and an outage of hours should not fail a job.
      max_delivery_attempts = 100
    }
  }
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishes

  project = var.project
  topic   = google_pubsub_topic.this[each.value.topic].name
  role    = "roles/pubsub.publisher"
  member  = var.members[each.value.name]
}

# Pub/Sub's own account moves dead letters: it publishes there, and acknowledges here.
resource "google_pubsub_topic_iam_member" "dead_lettering" {
  project = var.project
  topic   = google_pubsub_topic.this["backfills-dead-letter"].name
  role    = "roles/pubsub.publisher"
  member  = local.service_agent
}

resource "google_pubsub_subscription_iam_member" "dead_lettering" {
  for_each = local.dead_lettered

  project      = var.project
  subscription = google_pubsub_subscription.this[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.service_agent
}

resource "google_service_account_iam_member" "push_tokens" {
  service_account_id = var.push_account.id
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.service_agent

  # Pub/Sub's account exists at the latest when one of its resources does.
  depends_on = [google_pubsub_subscription.this]
}

output "environment" {
  value = {
    STAGE_TOPIC         = google_pubsub_topic.this["backfills-stage"].name
    CHUNKS_TOPIC        = google_pubsub_topic.this["backfills-chunks"].name
    STATIC_CHUNKS_TOPIC = google_pubsub_topic.this["backfills-chunks-static"].name
  }
}

output "subscriptions" {
  value = [for subscription in google_pubsub_subscription.this : subscription.name]
}
