// A partition of a topic of others as an input of a lane. It has no end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "worker/lane/input.h"
#include "worker/lane/source_rules.h"
#include "worker/log/topics.h"

namespace streamml::lane {

struct TopicInputSpec {
  SourceRules rules;
  std::string topic;
  uint32_t partition = 0;
};

// In its points, `ordinal` is the offset of the next record and `bytes` the number of records
// before it, so that records which the cluster has lost or compacted away since are noticed.
// `topics` must outlive it.
std::unique_ptr<Input> MakeTopicInput(TopicInputSpec spec, log::Topics& topics);

}  // namespace streamml::lane
