// The log on Kafka: the journal is a topic with one partition per lane, written by nobody else; an
// internal topic is a topic; a transaction of a lane is a Kafka transaction of its own
// transactional id, opened only when it is flushed.
//
// Topic names are streamml.<identity>.<incarnation>.<name>, transactional ids
// streamml.<identity>.<incarnation>.lane-<n>. A new owner of a lane fences the one before it by
// taking its transactional id (OpenLane), and only then reads the journal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/log/kafka/kafka_cluster.h"
#include "worker/log/log.h"
#include "worker/log/topic_name.h"

namespace streamml::log {

struct InternalTopic {
  std::string name;
  uint32_t num_partitions = 1;
};

struct SinkTopic {
  std::string name;
  size_t max_record_bytes = 0;  // of any record that will be written, key and value together
};

struct KafkaLogOptions {
  TopicOwner owner;
  uint32_t num_lanes = 0;
  std::vector<InternalTopic> topics;
  // Topics that are not the job's own and that lanes write records to: what is asked about them
  // when a lane is opened need not be asked, for a second, when it commits to them first.
  std::vector<SinkTopic> sinks;
  // Topics of one partition for rows that are no results. People read them, the job does not: they
  // are kept for as long as the cluster keeps topics by default.
  std::vector<std::string> rejects;
  bool create = true;                       // false: refuse to go on where topics are missing
  int32_t replication = 0;                  // 0: the smaller of 3 and the number of brokers
  int64_t transaction_timeout_ms = 10'000;  // after which brokers abort what a dead owner left open
  // Of rows of one partition that are read before their turn; more is dropped and read again.
  size_t max_waiting_bytes = 64 << 20;
  // Of rows in one message of an internal topic; a frame of more is several messages. Less than
  // what brokers take by default (1 MiB), so that a large row stops no lane.
  size_t max_piece_bytes = 768 << 10;
  // Gets lines for people, from any thread: what is not as it should be although the job goes on.
  std::function<void(const std::string& note)> note = {};
};

// Makes the topics that are missing and checks those that are there: partitions, no compaction, and
// no retention limit but for rejects; that all take records of the size that will be written.
// FAILED_PRECONDITION, with topic, setting, value and what is needed, where the job would not be
// safe; UNAVAILABLE when no broker answers. The cluster must
// outlive the log.
absl::StatusOr<std::unique_ptr<Log>> OpenKafkaLog(KafkaCluster& cluster,
                                                  const KafkaLogOptions& options);

// Full name of an internal topic; "journal" is the journal.
std::string KafkaTopicName(const KafkaLogOptions& options, const std::string& name);

}  // namespace streamml::log
