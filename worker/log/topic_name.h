// Names of a job's own topics.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::log {

// Whose topics they are. A restore starts a new incarnation.
struct TopicOwner {
  std::string identity;  // of the job, in its cluster
  uint32_t incarnation = 1;
};

inline std::string OwnTopicName(const TopicOwner& owner, std::string_view name) {
  return absl::StrCat("streamml.", owner.identity, ".", owner.incarnation, ".", name);
}

}  // namespace streamml::log
