"""One edit for each way to lose a property of data storage."""

from tests.infra import properties_of_data
from tests.infra.mutation import Mutation

_INDEXES = "modules/database/indexes.tf"
_STORAGE = "modules/storage/main.tf"

MUTATIONS = (
    Mutation(
        "an index is missing",
        properties_of_data.indexes_are_those_of_the_queries,
        _INDEXES,
        '"jobs.status"      = ["status", "time_created", "job_id"]',
        "",
    ),
    Mutation(
        "an index has its fields in another order",
        properties_of_data.indexes_are_those_of_the_queries,
        _INDEXES,
        '["time_created", "job_id"]',
        '["job_id", "time_created"]',
    ),
    Mutation(
        "an index of a list that is turned round goes the other way",
        properties_of_data.indexes_are_those_of_the_queries,
        _INDEXES,
        '["time_created desc", "job_id desc"]',
        '["time_created desc", "job_id"]',
    ),
    Mutation(
        "a collection group is asked by an index of its collections",
        properties_of_data.indexes_are_those_of_the_queries,
        _INDEXES,
        '"jobs.torn_down"     = "COLLECTION_GROUP"',
        '"jobs.torn_down"     = "COLLECTION"',
    ),
    Mutation(
        "an index that no query uses",
        properties_of_data.indexes_are_those_of_the_queries,
        _INDEXES,
        '"deliveries.chunk"   = "COLLECTION"',
        '"deliveries.chunk"   = "COLLECTION"\n    "deliveries.rows"    = "COLLECTION"',
    ),
    Mutation(
        "nothing expires",
        properties_of_data.indexes_are_those_of_the_queries,
        _INDEXES,
        "  ttl_config {}\n",
        "",
    ),
    Mutation(
        "staged files go before a retry may ask for them",
        properties_of_data.the_bucket_is_near_snowflake_and_forgets,
        _STORAGE,
        "age = var.staged_files_days",
        "age = 3",
    ),
    Mutation(
        "exports stay",
        properties_of_data.exports_are_forgotten,
        _STORAGE,
        "age = 5",
        "age = 50",
    ),
    Mutation(
        "the database can't be set back",
        properties_of_data.data_is_protected,
        "modules/database/main.tf",
        '"POINT_IN_TIME_RECOVERY_ENABLED"',
        '"POINT_IN_TIME_RECOVERY_DISABLED"',
    ),
    Mutation(
        "staged files go while a retry still needs them",
        properties_of_data.the_bucket_is_near_snowflake_and_forgets,
        "main.tf",
        "var.staged_files_days + local.job_days",
        "var.staged_files_days",
    ),
)
