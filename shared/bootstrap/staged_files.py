"""Wire the staging bucket."""

from google.cloud.storage import Client

from shared.adapters.gcs import GcsStagedFiles
from shared.config import Settings


def staged_files(settings: Settings) -> GcsStagedFiles:
    return GcsStagedFiles(Client(project=settings.project), settings.staging_bucket)
