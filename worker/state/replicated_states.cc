#include "worker/state/replicated_states.h"

#include <utility>

#include "absl/log/check.h"
#include "absl/log/log.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::state {
namespace {

// Names of states have no such byte.
constexpr char kSeparator = '\0';

std::string MovingKey(std::string_view state, std::string_view key) {
  std::string moving(state);
  moving.push_back(kSeparator);
  moving.append(key);
  return moving;
}

// State and key of such a name.
std::pair<std::string_view, std::string_view> SplitMovingKey(std::string_view moving) {
  const size_t end = moving.find(kSeparator);
  return {moving.substr(0, end), moving.substr(end + 1)};
}

}  // namespace

// One of the states, as the lane sees it.
class ReplicatedStates::Replica final : public DeclaredState, private ChangeSink {
 public:
  Replica(DeclaredState& inner, OrderedState& moving)
      : inner_(inner), name_(inner.id().ToString()), moving_(moving) {}

  // Looks for what the leader's operator has changed.
  void Pull() { inner_.TakeChanges(*this); }

  absl::Status Apply(std::string_view key, std::string_view value) {
    RETURN_IF_ERROR(inner_.Load(key, value));
    unsaved_[std::string(key)].assign(value);
    return absl::OkStatus();
  }

  const std::string& name() const { return name_; }
  const StateId& id() const override { return inner_.id(); }
  void TakeChanges(ChangeSink& sink) override {
    Pull();
    for (const auto& [key, value] : unsaved_) sink.Put(key, value);
    unsaved_.clear();
  }
  absl::Status Load(std::string_view key, std::string_view value) override {
    return inner_.Load(key, value);
  }
  size_t num_entries() const override { return inner_.num_entries(); }

 private:
  void Put(std::string_view key, std::string_view value) override {
    unsaved_[std::string(key)].assign(value);
    moving_.Set(MovingKey(name_, key), value);
  }
  void Delete(std::string_view /*key*/) override {
    LOG(FATAL) << "state " << name_ << " removed an entry; those that are replicated must not";
  }

  DeclaredState& inner_;
  const std::string name_;
  OrderedState& moving_;
  absl::btree_map<std::string, std::string> unsaved_;
};

ReplicatedStates::ReplicatedStates() = default;
ReplicatedStates::~ReplicatedStates() = default;

void ReplicatedStates::DeclareIn(StateSet& lane, const std::string& owner, uint64_t schema_hash) {
  CHECK(moving_ == nullptr) << "declared twice";
  StateSet later;  // it changes while the others are asked, so it is asked after them
  moving_ = std::make_unique<OrderedState>(StateId{owner, "model.moving", schema_hash}, later);
  for (DeclaredState* inner : inner_.states()) {
    replicas_.push_back(std::make_unique<Replica>(*inner, *moving_));
    lane.Declare(*replicas_.back());
  }
  lane.Declare(*moving_);
}

void ReplicatedStates::TakeUpdate(const EntryFunction& entry) {
  for (const std::unique_ptr<Replica>& replica : replicas_) replica->Pull();
  for (const auto& [moving, value] : moving_->entries()) {
    const auto [state, key] = SplitMovingKey(moving);
    entry(state, key, value);
  }
  moving_->Clear();
}

void ReplicatedStates::Receive(std::string_view state, std::string_view key,
                               std::string_view value) {
  moving_->Set(MovingKey(state, key), value);
}

absl::Status ReplicatedStates::Adopt() {
  for (const auto& [moving, value] : moving_->entries()) {
    const auto [name, key] = SplitMovingKey(moving);
    Replica* found = nullptr;
    for (const std::unique_ptr<Replica>& replica : replicas_) {
      if (replica->name() == name) found = replica.get();
    }
    if (found == nullptr) {
      return absl::DataLossError(
          absl::StrCat("a version of the model has a state '", name, "' that is not the model's"));
    }
    RETURN_IF_ERROR(found->Apply(key, value));
  }
  moving_->Clear();
  return absl::OkStatus();
}

}  // namespace streamml::state
