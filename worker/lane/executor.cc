#include "worker/lane/executor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "worker/lane/internal/failed_row.h"

namespace streamml::lane {
namespace {

constexpr size_t kBatchRows = 1024;          // rows that operators get at once, or one event time's
constexpr size_t kMaxUncommitted = 8 << 20;  // bytes; beyond it processing waits for a commit
constexpr size_t kMaxAheadRows = 500'000;    // held while an input without an end has nothing
// Entries of the merge order in one journal record, of at most 42 bytes each, so that a record is
// below 256 KiB and can be written with any setting of a topic that brokers have by default.
constexpr size_t kMaxReads = 4096;

// Places of counters.
enum : size_t { kRead, kLate, kDead };
enum : size_t { kIn, kOut, kFiltered, kFailed };

}  // namespace

absl::Status CheckStop(const StopFunction& stop) {
  return stop && stop() ? absl::CancelledError("stopped as asked") : absl::OkStatus();
}

Executor::Executor(const StageSpec& stage, size_t num_inputs)
    : stage_(stage),
      buffer_(stage.input_schema, num_inputs),
      taken_to_(stage.sides.size()),
      output_(stage),
      was_empty_(num_inputs),
      raises_(num_inputs) {
  for (const SideInput& side : stage.sides) side_buffers_.emplace_back(side.schema, 1);
  counters_ = {{"read", 0}, {"late", 0}, {"dead", 0}};
  for (const NodeSpec& node : stage.nodes) {
    const std::string prefix = absl::StrCat(node.owner, ".", node.name);
    for (const char* what : {".in", ".out", ".filtered", ".failed"}) {
      counters_.emplace_back(absl::StrCat(prefix, what), 0);
    }
  }
  for (const SinkOutput& sink : stage.sinks) {
    if (sink.dead_sink >= 0) counters_.emplace_back(absl::StrCat(sink.name, ".too_large"), 0);
  }
}

absl::StatusOr<std::unique_ptr<Executor>> Executor::Make(const StageSpec& stage,
                                                         const std::vector<InputFactory>& inputs) {
  std::unique_ptr<Executor> executor(new Executor(stage, inputs.size()));
  RETURN_IF_ERROR(executor->MakeOperators());
  for (const InputFactory& factory : inputs) {
    ASSIGN_OR_RETURN(std::unique_ptr<Input> input, factory());
    executor->inputs_.push_back(std::move(input));
  }
  return executor;
}

absl::Status Executor::MakeOperators() {
  for (const NodeSpec& node : stage_.nodes) {
    const std::shared_ptr<const data::Schema> schema =
        node.input < 0 ? stage_.input_schema
                       : operators_[static_cast<size_t>(node.input)]->output_schema();
    ASSIGN_OR_RETURN(std::unique_ptr<operators::Operator> made, node.make(schema, states_));
    operators_.push_back(std::move(made));
  }
  return absl::OkStatus();
}

int64_t Executor::MainWatermark() const {
  int64_t watermark = data::kMaxTime;
  for (size_t i = 0; i < num_main_inputs(); ++i)
    watermark = std::min(watermark, inputs_[i]->watermark());
  return watermark;
}

int64_t Executor::InputWatermark() const {
  int64_t watermark = MainWatermark();
  for (size_t i = num_main_inputs(); i < inputs_.size(); ++i) {
    if (InOrder(i)) watermark = std::min(watermark, inputs_[i]->watermark());
  }
  return watermark;
}

int64_t Executor::watermark() const {
  if (!stage_.event_order) return MainWatermark();
  if (!WaitsForSides()) return frontier_;
  return std::max(frontier_, std::min(MainWatermark(), buffer_.FirstTime()));
}

// What comes on side inputs changes nothing any more when there are no rows left to process.
bool Executor::finished() const {
  for (size_t i = 0; i < num_main_inputs(); ++i) {
    if (!inputs_[i]->position().ended) return false;
  }
  return buffer_.num_rows() == 0;
}

bool Executor::journal_is_full() const { return reads_.size() >= kMaxReads; }

absl::StatusOr<bool> Executor::Advance(size_t max_rows) {
  const int64_t frontier_before = frontier_;
  bool progress = false;
  if (!has_news()) {
    ASSIGN_OR_RETURN(progress, ReadSides());
  }
  const uint64_t read_before = counters_[kRead].second;
  // When rows below the watermark still wait, they are worked off before more is read.
  const bool backlog = stage_.event_order && buffer_.FirstTime() < InputWatermark();
  while (!backlog && input_failure_.ok() && !journal_is_full()) {
    ASSIGN_OR_RETURN(const bool read, ReadFurthestBehind());
    if (!read) break;
    progress = true;
    if (counters_[kRead].second - read_before >= max_rows) break;
    if (output_.size_bytes() >= kMaxUncommitted) break;
  }
  if (stage_.event_order) RETURN_IF_ERROR(ReleaseUpTo(InputWatermark(), kMaxUncommitted));
  progress = progress || frontier_ != frontier_before;
  if (!progress && !backlog && !input_failure_.ok()) return input_failure_;
  return progress;
}

// Between inputs that have an end the choice depends on positions only, never on what happens to be
// there already, so that the order of unordered stages is a function of their inputs too. On
// arrival nobody waits for the one that is furthest behind.
absl::StatusOr<bool> Executor::ReadFurthestBehind() {
  order_.clear();
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!inputs_[i]->position().ended && InOrder(i)) order_.push_back(i);
  }
  // Mostly the first one has something, so the others are not brought into order.
  for (auto next = order_.begin(); next != order_.end(); ++next) {
    std::iter_swap(next, std::min_element(next, order_.end(), [this](size_t a, size_t b) {
                     return std::pair(inputs_[a]->watermark(), a) <
                            std::pair(inputs_[b]->watermark(), b);
                   }));
    // What is ahead of one that has nothing to read is read up to a bound.
    if (next != order_.begin() && buffer_.num_rows() >= kMaxAheadRows) return false;
    ASSIGN_OR_RETURN(const bool read, ReadBlock(*next));
    if (read || input_failed()) return read;
    if (!inputs_[*next]->live() && !stage_.on_arrival) return false;
  }
  return false;
}

// One block of an input; false when there is none now or the input cannot be read any more.
absl::StatusOr<bool> Executor::ReadBlock(size_t input) {
  const absl::StatusOr<std::optional<Block>> block = inputs_[input]->Read(kNoLimit);
  input_failure_ = block.status();
  if (!block.ok()) return false;
  was_empty_[input] = !block->has_value();
  if (!block->has_value()) return false;
  RETURN_IF_ERROR(Accept(input, **block));
  return true;
}

void Executor::NoteRead(size_t input, const InputPoint& end) {
  // Between channels the order of reads has no effect in event order: the last position of each is
  // enough. Between files it decides the order of dead letters and late rows.
  if (stage_.event_order && stage_.dead_sink < 0) {
    for (Read& read : reads_) {
      if (read.input != input) continue;
      read.end = end;
      return;
    }
  } else if (!reads_.empty() && reads_.back().input == input &&
             !reads_.back().raised_to.has_value()) {
    reads_.back().end = end;
    return;
  }
  reads_.push_back({input, end, std::nullopt});
}

// Between two reads of an input only its last tick counts.
void Executor::NoteRaise(size_t input, int64_t watermark) {
  const Read raise{input, inputs_[input]->position(), watermark};
  const auto note = [&raise](std::vector<Read>& list) {
    const auto last = std::find_if(list.rbegin(), list.rend(), [&raise](const Read& read) {
      return read.input == raise.input;
    });
    if (last != list.rend() && last->raised_to.has_value() &&
        last->end.ordinal == raise.end.ordinal) {
      *last = raise;
    } else {
      list.push_back(raise);
    }
  };
  note(reads_);
  note(raises_[input]);
}

absl::StatusOr<bool> Executor::RaiseIdle(const std::vector<bool>& idle) {
  int64_t target = data::kMaxTime;
  for (size_t i = 0; i < num_main_inputs(); ++i) {
    if (!idle[i]) target = std::min(target, inputs_[i]->watermark());
  }
  if (target == data::kMaxTime || target == data::kMinTime) return false;
  bool changed = false;
  for (size_t i = 0; i < num_main_inputs() && !input_failed() && !journal_is_full(); ++i) {
    if (!idle[i] || inputs_[i]->watermark() >= target) continue;
    // Whatever came in the meantime is read, and counts.
    ASSIGN_OR_RETURN(const bool read, ReadBlock(i));
    if (input_failed()) break;  // Advance tells it
    if (!read) {
      inputs_[i]->Raise(target);
      NoteRaise(i, target);
    }
    changed = true;
  }
  return changed;
}

absl::Status Executor::Accept(size_t input, const Block& block) {
  if (input >= num_main_inputs()) return AcceptSide(input, block);
  NoteRead(input, block.end);
  counters_[kRead].second += block.num_records;
  counters_[kLate].second += block.late.num_rows();
  counters_[kDead].second += block.dead.size();
  for (const DeadRecord& dead : block.dead) {
    if (dead.json.empty()) continue;  // the source's policy is to skip
    output_.EmitLine(static_cast<size_t>(stage_.dead_sink), dead.json);
  }
  if (block.late.num_rows() > 0) {
    std::vector<operators::RowError> too_large;  // what is, is cut in its place
    output_.EmitToSink(static_cast<size_t>(stage_.late_sink), block.late, too_large);
  }
  if (!stage_.event_order) return Process(block.rows);
  const size_t behind = Hold(input, block);
  if (behind == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(inputs_[input]->name(), ": ", behind,
                                          " rows are older than what was processed (", Where(),
                                          ")"));
}

// Processes held rows older than `bound`, until that many bytes wait for a commit.
absl::Status Executor::ReleaseUpTo(int64_t bound, size_t max_bytes) {
  while (output_.size_bytes() < max_bytes) {
    if (buffer_.FirstTime() >= bound) break;
    const int64_t side_time = FirstSideTime();
    if (side_time <= buffer_.FirstTime()) {
      RETURN_IF_ERROR(TakeSidesAt(side_time));
    } else {
      RETURN_IF_ERROR(Process(buffer_.Release(std::min(bound, side_time), kBatchRows)));
    }
  }
  MoveFrontier(std::min(bound, FirstHeldTime()));
  return PassFrontier();
}

absl::Status Executor::Process(const data::Batch& batch) {
  if (batch.num_rows() == 0) return absl::OkStatus();
  std::vector<data::Batch> results;
  std::vector<internal::FailedRow> failed;
  for (size_t i = 0; i < stage_.nodes.size(); ++i) {
    const NodeSpec& node = stage_.nodes[i];
    const data::Batch& input = node.input < 0 ? batch : results[static_cast<size_t>(node.input)];
    operators::Dropped dropped;
    ASSIGN_OR_RETURN(data::Batch result, operators_[i]->Process(input, dropped));
    Counter* counters = &counters_[kFirstNodeCounter + i * kCountersPerNode];
    counters[kIn].second += input.num_rows();
    counters[kOut].second += result.num_rows();
    counters[kFiltered].second += dropped.filtered;
    counters[kFailed].second += dropped.failed.size();
    for (operators::RowError& error : dropped.failed) {
      failed.push_back(
          {node.owner, node.name, static_cast<size_t>(node.dead_sink), std::move(error)});
    }
    results.push_back(std::move(result));
  }
  // A value that could not be read back was taken for an empty one.
  if (const state::Spill* spill = states_.spill()) RETURN_IF_ERROR(spill->failure());
  Emit(-1, batch, failed);
  for (size_t i = 0; i < results.size(); ++i) Emit(static_cast<int>(i), results[i], failed);
  EmitFailed(failed);
  return absl::OkStatus();
}

// In order of rows, then of operators and sinks, so that batches do not show in a dead-letter file.
void Executor::EmitFailed(std::vector<internal::FailedRow>& failed) {
  const bool by_time = stage_.event_order;
  std::stable_sort(failed.begin(), failed.end(), [by_time](const auto& a, const auto& b) {
    const data::Origin& x = a.error.origin;
    const data::Origin& y = b.error.origin;
    return by_time ? x < y : x.place() < y.place();
  });
  for (const internal::FailedRow& row : failed) {
    output_.EmitLine(row.dead_sink, internal::FailedRowJson(row));
  }
}

void Executor::MarkCommitted() {
  for (size_t i = 0; i < raises_.size(); ++i) {
    if (raises_[i].empty()) continue;
    const InputPoint low = buffer_.LowPoint(i, inputs_[i]->position());
    std::erase_if(raises_[i], [&low](const Read& r) { return r.end.ordinal <= low.ordinal; });
  }
  reads_.clear();
  committed_frontier_ = frontier_;
  output_.Clear();
  Forget();
}

// With each commit and at no other time, so that the state at a commit is the same when the journal
// is executed again.
void Executor::Forget() {
  const int64_t passed = stage_.event_order ? frontier_ : MainWatermark();
  for (const std::unique_ptr<operators::Operator>& each : operators_) each->Forget(passed);
}

std::string Executor::Where() const {
  return absl::StrJoin(inputs_, "; ", [](std::string* out, const std::unique_ptr<Input>& input) {
    absl::StrAppend(out, input->name(), " at ", input->position().ordinal, ", byte ",
                    input->position().bytes);
  });
}

}  // namespace streamml::lane
