#!/bin/sh
# Makes Paceline's topics where services may not: once for `alerts` and `deadletter`, and for each workspace.
#   BOOTSTRAP=broker-1:9092 REPLICATION=3 infra/kafka/topics.sh main sales
# Facts have one partition (the one order), the broker's own time, and are kept for ever; all else is refused at the start.
set -eu
: "${BOOTSTRAP:?host:port of a broker}"
replication="${REPLICATION:-3}"
kafka_topics="${KAFKA_TOPICS:-kafka-topics.sh}"

create() {
  "$kafka_topics" --bootstrap-server "$BOOTSTRAP" ${COMMAND_CONFIG:+--command-config "$COMMAND_CONFIG"} \
    --create --if-not-exists --topic "$1" --partitions 1 --replication-factor "$replication" \
    --config message.timestamp.type=LogAppendTime \
    --config cleanup.policy=delete \
    --config max.message.bytes=7340032 \
    --config retention.bytes=-1 \
    --config "retention.ms=$2" \
    --config min.insync.replicas="$((replication > 1 ? replication - 1 : 1))"
}

create alerts 7862400000
create deadletter 7862400000
for workspace in "$@"; do create "facts.$workspace" -1; done
