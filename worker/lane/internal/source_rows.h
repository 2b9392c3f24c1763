// What files and topics have in common as sources: lateness, watermark, dead letters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "worker/connectors/dead_letter.h"
#include "worker/connectors/json_rows.h"
#include "worker/lane/input.h"
#include "worker/lane/source_rules.h"

namespace streamml::lane::internal {

// The watermark of a partition whose greatest event time is `time`.
int64_t SourceWatermark(const SourceRules& rules, int64_t time);

// The greatest event time that gives this watermark.
int64_t TimeOfWatermark(const SourceRules& rules, int64_t watermark);

// Splits rows into those on time and late ones, each judged against the partition's own watermark
// before it, which makes the verdict independent of lanes and batches. `time` is the greatest event
// time so far and moves on.
void SplitLate(const SourceRules& rules, const data::Batch& rows, int64_t& time, Block& block);

// What the source's policy makes of dead letters: lines, or only numbers of records. `partition`:
// as it stands in the letters.
void TakeDead(const SourceRules& rules, std::string_view partition,
              const std::vector<connectors::DeadLetter>& dead, Block& block);
void TakeDead(const SourceRules& rules, const connectors::TopicPartition& partition,
              const std::vector<connectors::DeadLetter>& dead, Block& block);

// The error of a bad record of a file, or of a topic, where the policy is to fail.
absl::Status BadRecord(const std::string& input_name, const connectors::DeadLetter& letter);
absl::Status BadTopicRecord(const std::string& input_name, const connectors::DeadLetter& letter);

}  // namespace streamml::lane::internal
