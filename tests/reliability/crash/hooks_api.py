"""The crash points that only the API has."""

from shared.adapters.firestore_jobs import FirestoreJobs
from tests.reliability.crash.hooks import Hooks


def install(hooks: Hooks) -> None:
    hooks.install([(FirestoreJobs, "create", "job.create"), (FirestoreJobs, "confirm", "job.confirm")])
