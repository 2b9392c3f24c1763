// Executor: what the journal and snapshots say of it, and doing again what they say.

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"
#include "worker/lane/executor.h"
#include "worker/lane/internal/digest_bytes.h"

namespace streamml::lane {
namespace {

using journal::v1::InputPosition;

constexpr size_t kLookBytes = 1 << 20;  // of output between two looks at a stop
constexpr std::string_view kWayOut =
    "; way out: put the input back as it was, or start over in an empty data folder";

InputPosition ToProto(size_t input, const InputPoint& point,
                      std::optional<int64_t> raised_to = std::nullopt) {
  InputPosition position;
  position.set_input(static_cast<uint32_t>(input));
  position.set_ordinal(point.ordinal);
  position.set_bytes(point.bytes);
  position.set_ended(point.ended);
  if (raised_to.has_value()) position.set_raised_to(*raised_to);
  return position;
}

InputPoint FromProto(const InputPosition& position, int64_t time) {
  return {position.ordinal(), position.bytes(), position.ended(), time};
}

// Of a partition of a topic: there are fewer records than the journal counted.
absl::Status RecordsGone(const Input& input, const InputPoint& target) {
  return absl::DataLossError(absl::StrCat(
      input.name(), ": up to offset ", target.ordinal, " the job has read ", target.bytes,
      " records, and ", input.position().bytes,
      " of them can be read again: retention, compaction or somebody has removed the others, and "
      "the input has changed. Results that were written stand; they cannot be computed again; way "
      "out: start over under another name (metadata.name or spec.identity)"));
}

}  // namespace

// Reads `input` exactly up to `target`; with `process` as Accept does, else only refilling the
// buffer.
absl::Status Executor::ReadTo(size_t input, const InputPoint& target, bool process) {
  Input& from = *inputs_[input];
  int waited = 0;
  while (from.position().ordinal != target.ordinal || from.position().ended != target.ended) {
    RETURN_IF_ERROR(CheckStop(stop_));
    const bool at_place =
        from.position().ordinal == target.ordinal;  // only the end is still to be seen
    ASSIGN_OR_RETURN(const std::optional<Block> block,
                     from.Read(at_place ? target.ordinal + 1 : target.ordinal));
    // What brokers hold is there only a moment after it was asked for.
    if (!block.has_value() && from.Await(waited + 1)) {
      ++waited;
      continue;
    }
    if (!block.has_value() && waited > 0) {
      return absl::UnavailableError(
          absl::StrCat(from.name(), ": the journal says it was read up to ", target.ordinal,
                       ", and nothing comes after ", from.position().ordinal,
                       ": brokers cannot be reached, or have lost it"));
    }
    waited = 0;
    if (!block.has_value() || from.position().ordinal > target.ordinal) {
      return absl::DataLossError(absl::StrCat(
          from.name(), ": the journal says it was read up to ", target.ordinal,
          target.ended ? " (end)" : "", ", byte ", target.bytes, ", but now reading stops at ",
          from.position().ordinal, ", byte ", from.position().bytes, kWayOut));
    }
    if (process) {
      RETURN_IF_ERROR(Accept(input, *block));
    } else {
      Hold(input, *block);
    }
  }
  if (from.position().bytes == target.bytes) return absl::OkStatus();
  if (from.live()) return RecordsGone(from, target);
  return absl::DataLossError(absl::StrCat(
      from.name(), ": record ", target.ordinal, " stood at byte ", target.bytes,
      " and stands now at byte ", from.position().bytes, ": the input has changed", kWayOut));
}

absl::Status Executor::Apply(const journal::v1::Commit& commit) {
  for (const InputPosition& read : commit.reads()) {
    if (read.input() >= inputs_.size()) {
      return absl::DataLossError(
          absl::StrCat("journal names input ", read.input(), " of ", inputs_.size(), kWayOut));
    }
    RETURN_IF_ERROR(ReadTo(read.input(), FromProto(read, 0), /*process=*/true));
    if (!read.has_raised_to()) continue;
    inputs_[read.input()]->Raise(read.raised_to());
    NoteRaise(read.input(), read.raised_to());
  }
  if (!stage_.event_order) return absl::OkStatus();
  do {
    RETURN_IF_ERROR(CheckStop(stop_));
    RETURN_IF_ERROR(ReleaseUpTo(commit.frontier(), output_.size_bytes() + kLookBytes));
  } while (frontier_ < commit.frontier());
  return absl::OkStatus();
}

void Executor::Describe(journal::v1::Commit& commit) const {
  for (const Read& read : reads_) {
    *commit.add_reads() = ToProto(read.input, read.end, read.raised_to);
  }
  commit.set_frontier(frontier_);
  commit.set_watermark(watermark());
  commit.set_output_digest(internal::ToBytes(output_.digest()));
  commit.set_finished(finished());
}

void Executor::Export(journal::v1::LaneState& state) const {
  state.set_version(kStateVersion);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const InputPoint& end = inputs_[i]->position();
    const InputPoint low = LowPoint(i);
    journal::v1::InputState& input = *state.add_inputs();
    *input.mutable_low() = ToProto(i, low);
    input.set_low_max_time(low.time);
    *input.mutable_end() = ToProto(i, end);
    input.set_end_max_time(end.time);
    if (i >= num_main_inputs() && taken_to_[i - num_main_inputs()].has_value()) {
      input.set_taken_to(*taken_to_[i - num_main_inputs()]);
    }
    for (const Read& raise : raises_[i]) {
      if (raise.end.ordinal <= low.ordinal) continue;  // the low point's time knows of it
      *input.add_raises() = ToProto(i, raise.end, raise.raised_to);
    }
  }
  state.set_frontier(frontier_);
  state.set_watermark(watermark());
  for (const Digest& digest : output_.destination_digests()) {
    state.add_destination_digests(internal::ToBytes(digest));
  }
  for (const Counter& counter : counters_) {
    journal::v1::Counter& out = *state.add_counters();
    out.set_name(counter.first);
    out.set_value(counter.second);
  }
}

bool Executor::Fits(const journal::v1::LaneState& state) const {
  if (state.version() != kStateVersion ||
      static_cast<size_t>(state.inputs_size()) != inputs_.size() ||
      static_cast<size_t>(state.counters_size()) != counters_.size() ||
      static_cast<size_t>(state.destination_digests_size()) !=
          output_.destination_digests().size()) {
    return false;
  }
  return std::all_of(state.destination_digests().begin(), state.destination_digests().end(),
                     [](const std::string& digest) { return digest.size() == sizeof(Digest); });
}

absl::Status Executor::DoesNotFit(const journal::v1::LaneState& state) {
  return absl::DataLossError(absl::StrCat("engine state, of version ", state.version(),
                                          ", does not fit the job or this build"));
}

absl::Status Executor::Import(const journal::v1::LaneState& state) {
  if (!Fits(state)) return absl::InternalError("engine state of another job");
  frontier_ = state.frontier();
  committed_frontier_ = frontier_;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const journal::v1::InputState& input = state.inputs(static_cast<int>(i));
    if (i >= num_main_inputs() && input.has_taken_to()) {
      taken_to_[i - num_main_inputs()] = input.taken_to();
    }
    RETURN_IF_ERROR(inputs_[i]->Seek(FromProto(input.low(), input.low_max_time())));
    for (const InputPosition& raise : input.raises()) {
      RETURN_IF_ERROR(ReadTo(i, FromProto(raise, 0), /*process=*/false));
      inputs_[i]->Raise(raise.raised_to());
      raises_[i].push_back({i, inputs_[i]->position(), raise.raised_to()});
    }
    RETURN_IF_ERROR(ReadTo(i, FromProto(input.end(), input.end_max_time()), /*process=*/false));
    if (inputs_[i]->position().time != input.end_max_time()) {
      return absl::DataLossError(absl::StrCat(inputs_[i]->name(), ": event times have changed"));
    }
  }
  for (size_t i = 0; i < counters_.size(); ++i) {
    counters_[i].second = state.counters(static_cast<int>(i)).value();
  }
  for (size_t i = 0; i < output_.destination_digests().size(); ++i) {
    output_.destination_digests()[i] =
        internal::FromBytes(state.destination_digests(static_cast<int>(i)));
  }
  Forget();  // as the commit did that the state is of
  return absl::OkStatus();
}

}  // namespace streamml::lane
