// Topics that exist and are never read.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "worker/log/topics.h"

namespace streamml::plan {

// Describes them only.
class FakeTopics final : public log::Topics {
 public:
  absl::StatusOr<log::TopicDescription> Describe(const std::string& topic) override {
    const auto found = topics.find(topic);
    if (found == topics.end()) return absl::NotFoundError("there is no such topic");
    return found->second;
  }
  absl::StatusOr<std::unique_ptr<log::TopicReader>> Open(const std::string&, uint32_t,
                                                         uint64_t) override {
    return absl::UnimplementedError("nobody reads here");
  }
  std::map<std::string, log::TopicDescription> topics = {{"events", {"cluster", "id-1", 3}},
                                                         {"out", {"cluster", "id-2", 5}}};
};

}  // namespace streamml::plan
