#include "worker/lane/internal/truncation_task.h"

#include <algorithm>
#include <map>

#include "base/status.h"

namespace streamml::lane::internal {
namespace {

log::Position PositionOf(const journal::v1::InputPosition& low) {
  if (low.ended()) return log::Needs::kNothing;
  return {low.ordinal(), low.bytes()};
}

bool IsBefore(const log::Position& a, const log::Position& b) { return a.bytes < b.bytes; }

}  // namespace

log::Needs NeedsOf(const LaneSpec& spec, const KeptSnapshot& base) {
  log::Needs needs;
  needs.lane = spec.index;
  needs.journal = base.record;
  for (const ChannelRead& channel : spec.channels) {
    needs.channels.push_back(
        {channel.id, PositionOf(base.lows[channel.input]), !channel.others.empty()});
  }
  return needs;
}

TruncationTask::TruncationTask(const LaneSpec& spec, const KeptSnapshot& base, log::Log& log,
                               BackgroundRunner& background)
    : base_(base.key.sequence),
      needs_(NeedsOf(spec, base)),
      pending_(background.Start([this, &spec, &log] { result_ = Run(spec, log); })) {}

absl::Status TruncationTask::Run(const LaneSpec& spec, log::Log& log) {
  RETURN_IF_ERROR(HeedOthers(spec, log));
  return log.Truncate(needs_);
}

absl::Status TruncationTask::HeedOthers(const LaneSpec& spec, log::Log& log) {
  std::map<uint32_t, journal::v1::Retained> told;  // by lane
  for (size_t i = 0; i < spec.channels.size(); ++i) {
    log::Position& from = needs_.channels[i].from;
    for (const ChannelRead::Other& other : spec.channels[i].others) {
      if (!told.contains(other.lane)) {
        ASSIGN_OR_RETURN(told[other.lane], LastRetained(log, other.lane));
      }
      log::Position theirs;  // who has said nothing needs all
      for (const journal::v1::InputPosition& input : told[other.lane].inputs()) {
        if (input.input() == other.input) theirs = PositionOf(input);
      }
      from = std::min(from, theirs, IsBefore);
    }
  }
  return absl::OkStatus();
}

}  // namespace streamml::lane::internal
