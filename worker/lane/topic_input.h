// A partition of a topic of others as an input of a lane. It has no end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/connectors/partitioner.h"
#include "worker/lane/input.h"
#include "worker/lane/source_rules.h"
#include "worker/log/topics.h"

namespace streamml::lane {

// A promise of whoever writes the topic: each row is in the partition that the partitioner gives
// for its key, made of `columns` as AppendRecordKey does. It is checked row by row.
struct Partitioning {
  std::vector<size_t> columns;
  connectors::Partitioner partitioner = connectors::Partitioner::kMurmur2;
  uint32_t num_partitions = 1;
};

struct TopicInputSpec {
  SourceRules rules;
  std::string topic;
  uint32_t partition = 0;
  std::optional<Partitioning> partitioning = {};
};

// In its points, `ordinal` is the offset of the next record and `bytes` the number of records
// before it, so that records which the cluster has lost or compacted away since are noticed.
// INVALID_ARGUMENT at a row that breaks the promise of `partitioning`; what stands before its
// record has been read then.
// `topics` must outlive it.
std::unique_ptr<Input> MakeTopicInput(TopicInputSpec spec, log::Topics& topics);

}  // namespace streamml::lane
