#include "worker/lane/internal/source_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::lane::internal {
namespace {

template <typename Partition>
void Take(const SourceRules& rules, const Partition& partition,
          const std::vector<connectors::DeadLetter>& dead, Block& block) {
  for (const connectors::DeadLetter& letter : dead) {
    DeadRecord record{letter.record, ""};
    if (rules.on_error == OnError::kDeadLetter) {
      connectors::AppendDeadLetterJson(rules.source_name, partition, letter, record.json);
      while (!record.json.empty() && record.json.back() == '\n') record.json.pop_back();
    }
    block.dead.push_back(std::move(record));
  }
}

}  // namespace

int64_t SourceWatermark(const SourceRules& rules, int64_t time) {
  if (time == data::kMinTime) return data::kMinTime;
  return std::max(time, data::kMinTime + 1 + rules.delay_us) - rules.delay_us;
}

int64_t TimeOfWatermark(const SourceRules& rules, int64_t watermark) {
  return std::min(watermark, data::kMaxTime - 1 - rules.delay_us) + rules.delay_us;
}

void SplitLate(const SourceRules& rules, const data::Batch& rows, int64_t& time, Block& block) {
  if (rules.description.schema->time_column() == data::Schema::kNoTime) {
    block.rows = rows;
    block.late = data::BatchBuilder(rules.description.schema).Finish();
    return;
  }
  std::vector<uint32_t> on_time;
  std::vector<uint32_t> late;
  for (uint32_t row = 0; row < rows.num_rows(); ++row) {
    const int64_t row_time = rows.origin(row).time;
    (row_time < SourceWatermark(rules, time) ? late : on_time).push_back(row);
    time = std::max(time, row_time);
  }
  block.rows = late.empty() ? rows : data::Take(rows, on_time);
  block.late = data::Take(rows, late);
}

void TakeDead(const SourceRules& rules, std::string_view partition,
              const std::vector<connectors::DeadLetter>& dead, Block& block) {
  Take(rules, partition, dead, block);
}
void TakeDead(const SourceRules& rules, const connectors::TopicPartition& partition,
              const std::vector<connectors::DeadLetter>& dead, Block& block) {
  Take(rules, partition, dead, block);
}

absl::Status BadTopicRecord(const std::string& input_name, const connectors::DeadLetter& letter) {
  return absl::InvalidArgumentError(absl::StrCat(
      input_name, ": offset ", letter.record,
      letter.event.has_value() ? absl::StrCat(", event ", *letter.event) : "", ": ", letter.reason,
      "; onError.policy is fail; choose deadLetter or skip, and start over under another name "
      "(metadata.name or spec.identity)"));
}

absl::Status BadRecord(const std::string& input_name, const connectors::DeadLetter& letter) {
  return absl::InvalidArgumentError(
      absl::StrCat(input_name, ": record ", letter.record, " at byte ", letter.byte_position, ": ",
                   letter.reason,
                   "; onError.policy is fail; mend the record or choose deadLetter or skip, "
                   "and start over in another --data-dir"));
}

}  // namespace streamml::lane::internal
