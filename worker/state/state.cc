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

DeclaredState* StateSet::Find(std::string_view id) const {
  for (DeclaredState* state : states_) {
    if (state->id().ToString() == id) return state;
  }
  return nullptr;
}

}  // namespace streamml::state
