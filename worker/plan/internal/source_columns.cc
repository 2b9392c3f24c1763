#include "worker/plan/internal/source_columns.h"

namespace streamml::plan::internal {
namespace {

connectors::Metadata ToMetadata(const std::string& name) {
  if (name == "key") return connectors::Metadata::kKey;
  if (name == "header") return connectors::Metadata::kHeader;
  if (name == "timestamp") return connectors::Metadata::kTimestamp;
  if (name == "partition") return connectors::Metadata::kPartition;
  if (name == "offset") return connectors::Metadata::kOffset;
  if (name == "tombstone") return connectors::Metadata::kTombstone;
  return connectors::Metadata::kNone;
}

}  // namespace

connectors::SourceColumn ToSourceColumn(const job::v1::Column& column) {
  connectors::SourceColumn result;
  result.name = column.name();
  result.type = data::TypeFromName(column.type()).value_or(data::Type::kText);
  result.path = column.path();
  if (column.unit() == "s") result.unit = data::TimeUnit::kSeconds;
  if (column.unit() == "ms") result.unit = data::TimeUnit::kMilliseconds;
  if (column.unit() == "us") result.unit = data::TimeUnit::kMicroseconds;
  return result;
}

void AddMetadata(const job::v1::Source& source, SourcePlan& plan) {
  plan.lines = plan.is_topic() && source.framing() == "lines";
  for (size_t i = 0; i < plan.columns.size(); ++i) {
    const std::string& name = source.columns(static_cast<int>(i)).metadata();
    if (plan.is_topic()) {
      plan.columns[i].metadata = ToMetadata(name);
    } else if (!name.empty()) {
      plan.columns[i].path.clear();
    }
  }
}

lane::OnError ToOnError(const std::string& policy) {
  if (policy == "skip") return lane::OnError::kSkip;
  if (policy == "fail") return lane::OnError::kFail;
  return lane::OnError::kDeadLetter;
}

}  // namespace streamml::plan::internal
