#include "worker/lane/internal/restore.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "proto/streamml/journal/v1/journal.pb.h"

namespace streamml::lane::internal {
namespace {

// Puts entries back where they belong. Entries of one state mostly come together.
class Loader {
 public:
  explicit Loader(state::StateSet& states) : states_(states) {}

  absl::Status Load(std::string_view id, std::string_view key, std::string_view value) {
    if (state_ == nullptr || id != id_) {
      id_ = std::string(id);
      state_ = states_.Find(id);
    }
    if (state_ != nullptr) return state_->Load(key, value);
    return absl::DataLossError(
        absl::StrCat("snapshot holds a state '", id, "' that the job lacks"));
  }

 private:
  state::StateSet& states_;
  std::string id_;
  state::DeclaredState* state_ = nullptr;
};

}  // namespace

absl::StatusOr<Restored> RestoreExecutor(const LaneSpec& spec, const state::SnapshotInfo& snapshot,
                                         const LoadFunction& load, const PrepareFunction& prepare,
                                         const StopFunction& stop, bool& damaged) {
  Restored restored;
  damaged = false;
  ASSIGN_OR_RETURN(restored.executor, Executor::Make(*spec.stage, spec.inputs));
  restored.executor->SetStop(stop);
  if (prepare) prepare(*restored.executor);
  journal::v1::LaneState engine;
  if (!engine.ParseFromString(snapshot.engine)) {
    damaged = true;
    return absl::DataLossError("engine state cannot be parsed");
  }
  // Before an input is read or an entry loaded: the lane goes on from an older snapshot.
  if (!restored.executor->Fits(engine) ||
      static_cast<size_t>(engine.sink_bytes_size()) != spec.stage->sinks.size()) {
    damaged = true;
    return Executor::DoesNotFit(engine);
  }
  Loader loader(restored.executor->states());
  const absl::Status loaded =
      load([&](std::string_view id, std::string_view key, std::string_view value) {
        RETURN_IF_ERROR(CheckStop(stop));
        return loader.Load(id, key, value);
      });
  damaged = absl::IsDataLoss(loaded);
  RETURN_IF_ERROR(loaded);
  RETURN_IF_ERROR(restored.executor->Import(engine));
  restored.sink_bytes.assign(engine.sink_bytes().begin(), engine.sink_bytes().end());
  restored.epoch = engine.epoch();
  return restored;
}

}  // namespace streamml::lane::internal
