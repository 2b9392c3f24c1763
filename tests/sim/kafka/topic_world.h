// A seeded job for the simulator whose sources and sinks are topics of the model of Kafka.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/sim/kafka/model_kafka.h"
#include "worker/log/kafka/kafka_log.h"
#include "worker/plan/plan.h"

namespace streamml::sim {

// Everything is a function of the seed. Immutable once made.
class TopicWorld {
 public:
  static absl::StatusOr<std::unique_ptr<TopicWorld>> Make(uint64_t seed, uint64_t num_rows);

  // Makes the job's topics, and has the rows of its source arrive over time.
  void Begin(ModelKafka& kafka) const;
  // The plan over a process's own topics, which must outlive what is made from it.
  plan::JobPlan PlanFor(log::Topics& topics) const;
  log::KafkaLogOptions LogOptions() const;

  const plan::JobPlan& plan() const { return plan_; }
  bool trains_apart() const { return plan::TrainsApart(plan_); }
  // What comes out is a function of the rows alone (I2), not also of when each came.
  bool in_event_order() const { return in_event_order_; }
  bool partitioned() const { return by_card_; }
  uint64_t num_committed() const { return num_committed_; }  // records that readers see
  // Topics that the job writes and nobody in it reads: its sinks, and those of rows that are no
  // results, which not every world has.
  static const std::vector<std::string>& sinks();

 private:
  // Records that others write at once.
  struct Arrival {
    uint32_t partition = 0;
    int64_t at_us = 0;
    int64_t open_us = -1;  // of a transaction; -1: outside of any
    bool commit = true;
    std::vector<ModelKafka::Record> records;
  };
  void MakePartition(support::Random& random, uint32_t partition, uint64_t num_rows);

  plan::JobPlan plan_;
  bool in_event_order_ = true;
  bool by_card_ = false;  // the source's partitions, as the job is told
  std::vector<Arrival> arrivals_;
  uint32_t num_partitions_ = 1;
  uint32_t num_sink_partitions_ = 1;
  size_t max_waiting_bytes_ = 0;
  size_t max_piece_bytes_ = 0;
  uint64_t number_ = 0;
  uint64_t num_committed_ = 0;
};

}  // namespace streamml::sim
