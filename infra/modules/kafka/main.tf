# The broker is not made here. These are the rights that the service needs on it, as commands for its administrator.

variable "principal" {
  type = string
}

locals {
  # Topics, groups and transactional ids all begin with it: shared/destinations/kafka/names.py.
  prefix = "beam."

  acls = {
    # Each implies Describe. Read, since a marker is an offset of a group on the topic, committed in the chunk's own
    # transaction. DescribeConfigs tells what a topic takes at once; without it, refusals do, which costs time. A test
    # grants these on Apache Kafka, and takes each away.
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
