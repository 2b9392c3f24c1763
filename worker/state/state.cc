#include "worker/state/state.h"

#include "absl/log/check.h"
#include "absl/strings/str_format.h"

namespace streamml::state {

std::string StateId::ToString() const {
  return absl::StrFormat("%s/%s#%016x", owner, name, schema_hash);
}

void StateSet::Declare(DeclaredState& state) {
  CHECK(Find(state.id().ToString()) == nullptr)
      << "state " << state.id().ToString() << " declared twice";
  states_.push_back(&state);
}

bool StateSet::KeepToBudget() {
  if (spill() == nullptr) return true;
  int64_t excess = spill()->budget().excess();
  if (excess <= 0) return true;
  if (spill()->exhausted()) return false;
  // A little more than there must be, so that not every commit has to look for some.
  const int64_t slack = spill()->budget().limit() / 16;
  excess += slack;
  for (DeclaredState* state : states_) {
    if (excess > 0) excess -= state->Evict(excess);
  }
  // Where others take the memory, a save of these states would free nothing.
  if (excess <= slack || spill()->bytes() <= slack) return true;
  spill()->NoteExhausted();
  return false;
}

DeclaredState* StateSet::Find(std::string_view id) const {
  for (DeclaredState* state : states_) {
    if (state->id().ToString() == id) return state;
  }
  return nullptr;
}

}  // namespace streamml::state
