# Terraform does not create the broker. These are the service's permissions on it, as commands for its administrator.

variable "principal" {
  type = string
}

locals {
  # The prefix of all topics, groups and transactional ids: shared/destinations/kafka/names.py.
  prefix = "beam."

  acls = {
    # Each implies Describe. Read, because a marker is an offset of a group on the topic, committed in the chunk's own
    # transaction. DescribeConfigs reads the topic's limit; without it the service learns the limit from refusals, which
    # costs time. A test grants these on Apache Kafka, and removes each in turn.
    topic            = ["Create", "Delete", "DescribeConfigs", "Read", "Write"]
    group            = ["Read"]
    transactional-id = ["Write"]
  }
}

output "acls" {
  value = join("\n", [
    for resource, operations in local.acls : join(" ", concat(
      [
        "kafka-acls.sh --bootstrap-server \"$BOOTSTRAP\" --command-config admin.properties --add --force",
        "--allow-principal User:${var.principal} --resource-pattern-type prefixed --${resource} ${local.prefix}",
      ],
      [for operation in operations : "--operation ${operation}"],
    ))
  ])
}
