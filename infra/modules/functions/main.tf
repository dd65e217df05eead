locals {
  deliver_settings = [
    "STAGING_BUCKET", "LEASE_LENGTH", "STATUS_PAUSE", "ENCODER", "AWS_ROLE_ARN", "SCHEMA_REGISTRY_URL", "KAFKA_MARKER_DAYS",
  ]
  registry_secrets = var.secret_versions.registry == null ? [] : ["registry"]
  deliver_secrets  = concat(["kafka"], local.registry_secrets)

  # The differences between the functions. memory: a delivery holds one row group and librdkafka's queue, measured at
  # 312 MiB at most. concurrency: deliveries share nothing, and each one uses a whole processor.
  functions = {
    api = {
      bundle      = "api"
      memory      = "512Mi"
      cpu         = "1"
      timeout     = 60
      concurrency = 4
      least       = var.api_instances.least
      most        = var.api_instances.most
      settings = [
        "STAGED_FILES_DAYS", "KAFKA_MARKER_DAYS", "MOST_JOBS_IN_FLIGHT", "CHUNKS_IN_FLIGHT", "TABLE_CATALOG",
        "WEBHOOK_BATCH_ROWS", "ESTIMATES_PER_MINUTE", "AWS_ROLE_ARN", "SCHEMA_REGISTRY_URL",
      ]
      secrets = []
      caller  = "allUsers"
    }
    stage = {
      bundle      = "stage"
      memory      = "1Gi"
      cpu         = "1"
      timeout     = var.timeout
      concurrency = 4
      least       = 0
      most        = 10
      settings = [
        "STAGING_BUCKET", "SNOWFLAKE_STAGE", "TABLE_CATALOG", "KAFKA_MARKER_DAYS", "KAFKA_TOPIC_PARTITIONS",
        "KAFKA_TOPIC_REPLICATION", "UNLOAD_FILE_BYTES", "UNLOAD_WAIT", "UNLOAD_LIMIT", "CLAIM_LIMIT",
        "MOST_STAGING_ATTEMPTS", "LEASE_LENGTH", "CHUNKS_IN_FLIGHT", "DELIVERIES_AT_ONCE",
        "STAGED_FILES_DAYS", "RECEIPT_DAYS", "SCHEMA_REGISTRY_URL",
      ]
      # An estimate asks the registry whether it would take a schema.
      secrets = concat(["kafka", "snowflake"], local.registry_secrets)
      caller  = var.push_account.member
    }
    deliver = {
      bundle      = "deliver"
      memory      = "1Gi"
      cpu         = "1"
      timeout     = var.timeout
      concurrency = 1
      least       = 0
      most        = var.deliver_instances
      settings    = local.deliver_settings
      secrets     = local.deliver_secrets
      caller      = var.push_account.member
    }
    deliver-static = {
      bundle      = "deliver"
      memory      = "1Gi"
      cpu         = "1"
      timeout     = var.timeout
      concurrency = 1
      least       = 0
      most        = var.deliver_instances
      settings    = local.deliver_settings
      secrets     = local.deliver_secrets
      caller      = var.push_account.member
    }
    dead-letter = {
      bundle      = "dead_letter"
      memory      = "512Mi"
      cpu         = "1"
      timeout     = 120
      concurrency = 4
      least       = 0
      most        = 2
      settings    = ["LEASE_LENGTH"]
      secrets     = []
      caller      = var.push_account.member
    }
    sweep = {
      bundle      = "sweep"
      memory      = "512Mi"
      cpu         = "1"
      timeout     = 300
      concurrency = 1
      least       = 0
      # Two concurrent sweeps are harmless, and one instance is enough.
      most = 1
      settings = [
        "SNOWFLAKE_STAGE", "UNLOAD_LIMIT", "STAGING_LIMIT", "JOB_LIMIT", "STALL_LIMIT", "NUDGE_PAUSE", "TEAR_DOWN_PAUSE",
        "UNCONFIRMED_LIMIT", "CHUNKS_IN_FLIGHT", "DELIVERIES_AT_ONCE",
      ]
      secrets = ["snowflake"]
      caller  = var.schedule_account.member
    }
  }

  shared_settings = [
    "STAGE_TOPIC", "CHUNKS_TOPIC", "STATIC_CHUNKS_TOPIC", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
  ]
  known_settings = concat(local.shared_settings, flatten([for function in local.functions : function.settings]))
  secret_variables = {
    kafka     = "KAFKA_CLIENT"
    snowflake = "SNOWFLAKE_CONNECT"
    traces    = "OTEL_EXPORTER_OTLP_HEADERS"
    registry  = "SCHEMA_REGISTRY_CREDENTIALS"
  }
  shared_secrets = var.secret_versions.traces == null ? [] : ["traces"]

  # Only Google may call a function that is not public, with one account's token for this function.
  callers = {
    (var.push_account.member)     = var.push_account.email
    (var.schedule_account.member) = var.schedule_account.email
  }
  own_settings = {
    for name, function in local.functions : name => merge(
      function.caller == "allUsers" ? {} : {
        PUSH_AUDIENCE        = var.urls[name]
        PUSH_SERVICE_ACCOUNT = local.callers[function.caller]
        # By google_cloud_run_v2_service_iam_member.caller, which admits nobody else.
        PUSH_CHECKED_BY_IAM = "true"
      },
      # The API requests estimates from the staging function with its own account.
      name == "api" ? { STAGE_URL = var.urls["stage"] } : {},
      name == "stage" ? { API_SERVICE_ACCOUNT = var.accounts["api"] } : {},
      function.bundle == "deliver" ? { DELIVERY_DEADLINE = tostring(var.delivery_deadline) } : {},
    )
  }

  bundles = toset([for function in local.functions : function.bundle])
}

# Named by its content: an unchanged bundle deploys nothing, and older bundles stay available.
resource "google_storage_bucket_object" "bundle" {
  for_each = local.bundles

  bucket = var.sources_bucket
  name   = "functions/${each.key}/${filesha256("${var.bundles}/${each.key}.zip")}.zip"
  source = "${var.bundles}/${each.key}.zip"
}

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:Images are built of the bundles, whose source is no secret.
  project       = var.project
  location      = var.region
  repository_id = "backfills"
  format        = "DOCKER"

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "build" {
  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.images.repository_id
  role       = "roles/artifactregistry.writer"
  member     = var.build_account.member
}

resource "google_cloudfunctions2_function" "this" {
  for_each = local.functions

  project  = var.project
  location = var.region
  name     = "backfills-${each.key}"

  build_config {
    runtime           = "python314"
    entry_point       = "handle"
    docker_repository = google_artifact_registry_repository.images.id
    service_account   = var.build_account.id

    source {
      storage_source {
        bucket = var.sources_bucket
        object = google_storage_bucket_object.bundle[each.value.bundle].name
      }
    }
  }

  service_config {
    service_account_email            = var.accounts[each.key]
    available_memory                 = each.value.memory
    available_cpu                    = each.value.cpu
    timeout_seconds                  = each.value.timeout
    min_instance_count               = each.value.least
    max_instance_count               = each.value.most
    max_instance_request_concurrency = each.value.concurrency
    all_traffic_on_latest_revision   = true

    # Pub/Sub and Cloud Scheduler of this project count as internal; external callers cannot reach private functions.
    # The API, which calls the staging function, belongs to no network: there, only IAM and the function's own check
    # refuse other callers.
    ingress_settings = each.key == "api" || each.key == "stage" ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"

    # All traffic, because an allow list names public addresses. Google's APIs stay reachable: the connector's subnet has
    # Private Google Access.
    vpc_connector                 = contains(var.egress_functions, each.key) ? var.connector : null
    vpc_connector_egress_settings = contains(var.egress_functions, each.key) ? "ALL_TRAFFIC" : null

    environment_variables = merge(
      { GOOGLE_CLOUD_PROJECT = var.project },
      {
        for setting, value in merge(var.environment, var.settings) : setting => value
        if contains(concat(local.shared_settings, each.value.settings), setting)
      },
      local.own_settings[each.key],
    )

    dynamic "secret_environment_variables" {
      for_each = toset(concat(each.value.secrets, local.shared_secrets))
      content {
        project_id = var.project
        key        = local.secret_variables[secret_environment_variables.key]
        secret     = var.secrets[secret_environment_variables.key]
        # A number, so that a new value makes a new revision, and a rollback gets the old value.
        version = var.secret_versions[secret_environment_variables.key]
      }
    }
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.build,
  ]
}

# Who may call: everybody the API, which requires a key; only the intended accounts the others.
resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = local.functions

  project  = var.project
  location = var.region
  name     = google_cloudfunctions2_function.this[each.key].name
  role     = "roles/run.invoker"
  member   = each.value.caller
}

# The API has no Snowflake credentials: it calls the function that has them.
resource "google_cloud_run_v2_service_iam_member" "estimates" {
  for_each = toset(["stage"])

  project  = var.project
  location = var.region
  name     = google_cloudfunctions2_function.this[each.key].name
  role     = "roles/run.invoker"
  member   = var.api_member
}
