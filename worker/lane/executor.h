// The deterministic heart of a lane: reads inputs, brings rows into order, runs the operators,
// collects what they emit. Running, recovering and replaying are the same code fed with other
// choices.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/lane/input.h"
#include "worker/lane/output.h"
#include "worker/lane/program.h"
#include "worker/lane/reorder_buffer.h"
#include "worker/state/state.h"

namespace streamml::journal::v1 {
class Commit;
class LaneState;
}  // namespace streamml::journal::v1

namespace streamml::lane {

namespace internal {
struct FailedRow;
}

// True once somebody wants what is under way to end soon. Any thread.
using StopFunction = std::function<bool()>;

// CANCELLED when `stop`, which may be empty, says so.
absl::Status CheckStop(const StopFunction& stop);

using InputFactory = std::function<absl::StatusOr<std::unique_ptr<Input>>()>;

// A counter's name and value: "read", "late", "dead", then "<owner>.<node>.in", ".out",
// ".filtered", ".failed" for each node, and "<sink>.too_large" for each sink that has a bound.
using Counter = std::pair<std::string, uint64_t>;

// One thread. Nothing here is durable; nothing depends on a clock.
class Executor {
 public:
  // The stage must outlive the executor.
  static absl::StatusOr<std::unique_ptr<Executor>> Make(const StageSpec& stage,
                                                        const std::vector<InputFactory>& inputs);

  // From now on Apply and Import ask between blocks and end with CANCELLED.
  void SetStop(StopFunction stop) { stop_ = std::move(stop); }

  // Reads what is furthest behind, about `max_rows` rows, and processes what is due. False when
  // there was nothing to read and nothing to process, or when a commit is needed first. That an
  // input cannot be read is told only when all that was read before it is processed, and again and
  // again.
  absl::StatusOr<bool> Advance(size_t max_rows);
  // Idle inputs no longer hold back time: the watermark of each input that `idle` says, and that
  // has nothing to read right now, is raised to that of the others. False when that changes
  // nothing.
  absl::StatusOr<bool> RaiseIdle(const std::vector<bool>& idle);
  // For each input: the last look at it found nothing.
  const std::vector<bool>& was_empty() const { return was_empty_; }
  const std::vector<std::unique_ptr<Input>>& inputs() const { return inputs_; }
  // Does what a journalled commit did: the same reads in the same order, processed to the same
  // frontier. DATA_LOSS when the inputs no longer give what they gave then.
  absl::Status Apply(const journal::v1::Commit& commit);

  // An input could not be read, and nothing is read any more. What was processed is whole and may
  // be committed.
  bool input_failed() const { return !input_failure_.ok(); }

  // Fills reads, frontier, watermark, digest and finished of a commit of all that happened since
  // the last MarkCommitted.
  void Describe(journal::v1::Commit& commit) const;
  // Something happened since the last MarkCommitted that a commit must say.
  bool has_news() const { return !reads_.empty() || frontier_ != committed_frontier_; }
  // Nothing is read any more until a commit, because its journal record would become too large.
  bool journal_is_full() const;
  void MarkCommitted();

  // Inputs, frontier, digests and counters, at a moment when all output is committed.
  void Export(journal::v1::LaneState& state) const;
  // What Export gave is of this version and of a stage such as this one.
  bool Fits(const journal::v1::LaneState& state) const;
  static absl::Status DoesNotFit(const journal::v1::LaneState& state);
  static constexpr uint32_t kStateVersion = 2;
  // Puts back what Export gave, if it fits; declared states are restored apart, before. DATA_LOSS
  // as for Apply.
  absl::Status Import(const journal::v1::LaneState& state);

  Output& output() { return output_; }
  const Output& output() const { return output_; }
  state::StateSet& states() { return states_; }
  const state::StateSet& states() const { return states_; }
  const StageSpec& stage() const { return stage_; }
  const std::vector<Counter>& counters() const { return counters_; }
  const std::vector<std::unique_ptr<operators::Operator>>& operators() const { return operators_; }
  // No row that is emitted later is older. In event order this is the frontier; but with a side
  // input that is in order the frontier waits for those who wait for this, and it is the oldest row
  // that is held or may still come.
  int64_t watermark() const;
  // In event order: all rows older than this have been processed.
  int64_t frontier() const { return frontier_; }
  // All inputs have ended and all rows are processed.
  bool finished() const;
  size_t num_held_rows() const { return buffer_.num_rows(); }
  // "payments[0] (a.jsonl) at record 17, byte 2040; ...": where the inputs are, for messages.
  std::string Where() const;

 private:
  struct Read {
    size_t input = 0;
    InputPoint end;
    std::optional<int64_t> raised_to;
  };

  Executor(const StageSpec& stage, size_t num_inputs);
  absl::Status MakeOperators();
  absl::StatusOr<bool> ReadFurthestBehind();
  absl::StatusOr<bool> ReadBlock(size_t input);
  absl::Status Accept(size_t input, const Block& block);
  absl::Status Process(const data::Batch& batch);
  absl::Status ReleaseUpTo(int64_t bound, size_t max_bytes);
  absl::Status ReadTo(size_t input, const InputPoint& target, bool process);
  void EmitFailed(std::vector<internal::FailedRow>& failed);
  size_t num_main_inputs() const { return inputs_.size() - stage_.sides.size(); }
  // Of the stage's own inputs, and of those of them and the side inputs that are in order.
  int64_t MainWatermark() const;
  int64_t InputWatermark() const;
  bool InOrder(size_t input) const;
  bool WaitsForSides() const;
  absl::StatusOr<bool> ReadSides();
  absl::Status AcceptSide(size_t input, const Block& block);
  // As ReorderBuffer::Add and LowPoint, of the input's buffer.
  size_t Hold(size_t input, const Block& block);
  void MoveFrontier(int64_t time);
  InputPoint LowPoint(size_t input) const;
  int64_t FirstSideTime() const;
  int64_t FirstHeldTime() const;
  absl::Status TakeSidesAt(int64_t time);
  absl::Status PassFrontier();
  void Forget();
  // Rows that are larger than their sink takes are added to `failed`.
  void Emit(int node, const data::Batch& rows, std::vector<internal::FailedRow>& failed);
  void NoteRead(size_t input, const InputPoint& end);
  void NoteRaise(size_t input, int64_t watermark);

  // Places of counters.
  static constexpr size_t kFirstNodeCounter = 3;  // after read, late and dead
  static constexpr size_t kCountersPerNode = 4;

  const StageSpec& stage_;
  state::StateSet states_;
  std::vector<std::unique_ptr<operators::Operator>> operators_;
  std::vector<std::unique_ptr<Input>> inputs_;
  ReorderBuffer buffer_;
  std::deque<ReorderBuffer> side_buffers_;  // by side input
  // By side input, set by a restore until the frontier moves: versions that the trainer gives once
  // more are older than the frontier, and taken again. Of them, those older than this have been.
  std::vector<std::optional<int64_t>> taken_to_;
  Output output_;
  StopFunction stop_;
  absl::Status input_failure_;
  int64_t frontier_ = data::kMinTime;
  int64_t committed_frontier_ = data::kMinTime;
  std::vector<Read> reads_;
  std::vector<Counter> counters_;
  std::vector<bool> was_empty_;
  std::vector<std::vector<Read>> raises_;  // by input: ticks that a snapshot may have to tell of
  std::vector<size_t> order_;              // scratch
};

}  // namespace streamml::lane
