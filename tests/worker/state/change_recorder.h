// Writes down what a state hands over, in order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "worker/state/state.h"

namespace streamml::state {

class ChangeRecorder final : public ChangeSink {
 public:
  void Put(std::string_view key, std::string_view value) override {
    changes.push_back("put " + std::string(key) + "=" + std::string(value));
  }
  void Delete(std::string_view key) override { changes.push_back("delete " + std::string(key)); }

  std::vector<std::string> changes;
};

// The changes since the last call.
inline std::vector<std::string> Changes(DeclaredState& state) {
  ChangeRecorder recorder;
  state.TakeChanges(recorder);
  return recorder.changes;
}

}  // namespace streamml::state
