"""Wire the API."""

from datetime import timedelta

from shared.adapters.estimates import StageEstimates
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.firestore_keys import FirestoreKeys
from shared.adapters.firestore_limits import Limits
from shared.adapters.firestore_listings import FirestoreListings
from shared.adapters.firestore_rates import FirestoreRates
from shared.adapters.firestore_receipts import FirestoreReceipts
from shared.bootstrap.clients import firestore_client, monotonic, new_id, now, publisher
from shared.bootstrap.identity import identity_token
from shared.bootstrap.logs import report
from shared.bootstrap.traces import tracer
from shared.config import Settings
from shared.steps.kept import Kept
from shared.web.app import Api
from shared.web.models import Rules
from shared.web.openapi import document

# Short, because a client waits for the response.
PUBLISH_SECONDS = 10.0


# Longer than the staging function's own limit. Together with the request for a token, shorter than clients
# wait.
ESTIMATE_SECONDS = 21.0


def build(settings: Settings) -> Api:
    client = firestore_client(settings)
    rules = Rules(
        settings.table_catalog,
        settings.allow_insecure_destinations,
        settings.chunks_in_flight,
        settings.aws_role_arn,
        bool(settings.schema_registry_url),
    )
    return Api(
        keys=FirestoreKeys(client, monotonic, now),
        jobs=FirestoreJobs(client, report, Limits(client, settings.most_jobs_in_flight, monotonic)),
        listings=FirestoreListings(client, report),
        receipts=FirestoreReceipts(client),
        estimates=_estimates(settings),
        rates=FirestoreRates(client, "estimates", settings.estimates_per_minute, now),
        publisher=publisher(settings, timeout=PUBLISH_SECONDS),
        now=now,
        new_id=new_id,
        rules=rules,
        webhook_batch_rows=settings.webhook_batch_rows,
        kept=Kept(
            staged_files=timedelta(days=settings.staged_files_days),
            markers=timedelta(days=settings.kafka_marker_days),
        ),
        tracer=tracer(settings, "api"),
        events=report,
        openapi=document(rules),
    )


def _estimates(settings: Settings) -> StageEstimates:
    """Return the estimates. The local stack's staging function requires no token."""
    url = settings.stage_url
    tokens = identity_token if url.startswith("https:") else None
    return StageEstimates(url, tokens, ESTIMATE_SECONDS)
