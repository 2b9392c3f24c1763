#include "worker/log/kafka/internal/job_topics.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace streamml::log::internal {
namespace {

using Settings = Transport::Settings;

constexpr const char* kMaxMessageBytes = "max.message.bytes";
constexpr int kCreateAttempts = 100;
constexpr int kCreateWaitMs = 50;
constexpr size_t kMaxBatchBytes = 1'000'000;
// What stands around the records of a batch: header, lengths, times, offsets.
constexpr size_t kOverheadBytes = 512;

struct TopicRules {
  Settings checked;        // what it has to have
  const char* timestamps;  // how it is made
};
const TopicRules& KeptWhole() {
  static const auto& rules = *new TopicRules{
      {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"retention.bytes", "-1"}},
      "CreateTime"};
  return rules;
}
// For a time that counts from writing: event times may be older than all that a cluster keeps.
const TopicRules& KeptForAWhile() {
  static const auto& rules = *new TopicRules{{{"cleanup.policy", "delete"}}, "LogAppendTime"};
  return rules;
}

class JobTopics {
 public:
  JobTopics(Transport& transport, const KafkaLogOptions& options, AgeWatch& age_watch)
      : transport_(transport), options_(options), age_watch_(age_watch) {}

  // The journal is made last: once it is there all others were, and who finds one missing must not
  // make it anew, because a job is never silently started empty.
  absl::Status Make() {
    const std::string journal = KafkaTopicName(options_, kJournal);
    ASSIGN_OR_RETURN(const bool has_begun, Exists(journal));
    std::vector<InternalTopic> found;
    for (const InternalTopic& topic : options_.topics) {
      const std::string name = KafkaTopicName(options_, topic.name);
      ASSIGN_OR_RETURN(const bool exists, Exists(name));
      if (exists) found.push_back({name, topic.num_partitions});
      if (!exists && has_begun && options_.create) return Deleted(name, journal);
      RETURN_IF_ERROR(MakeTopic(name, topic.num_partitions, KeptWhole()));
    }
    for (const InternalTopic& topic : found) {
      if (!has_begun) RETURN_IF_ERROR(CheckEmpty(topic, journal));
    }
    RETURN_IF_ERROR(MakeTopic(journal, options_.num_lanes, KeptWhole()));
    for (const std::string& name : options_.rejects) {
      const absl::Status made = MakeTopic(KafkaTopicName(options_, name), 1, KeptForAWhile());
      // Nothing depends on them: who may not make topics can do without.
      if (!absl::IsNotFound(made) || options_.create) RETURN_IF_ERROR(made);
    }
    for (const SinkTopic& sink : options_.sinks) RETURN_IF_ERROR(CheckSink(sink));
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<bool> Exists(const std::string& topic) {
    const absl::Status status = transport_.Describe(topic).status();
    if (absl::IsNotFound(status)) return false;
    RETURN_IF_ERROR(status);
    return true;
  }

  static absl::Status Deleted(const std::string& missing, const std::string& other) {
    return absl::FailedPreconditionError(absl::StrCat(
        "topic '", missing, "' is missing, and '", other,
        "' is there: it has been deleted, and what the job had between its stages or in its "
        "journal with it, or the manifest is not the one that the job began with; way out: the "
        "manifest it began with, or start over under another name (metadata.name or "
        "spec.identity), or delete all topics of this one and its data folder"));
  }

  // A topic that is there although the journal is not: whoever made it first was stopped before he
  // made the journal, or the journal was deleted.
  absl::Status CheckEmpty(const InternalTopic& topic, const std::string& journal) {
    for (uint32_t partition = 0; partition < topic.num_partitions; ++partition) {
      ASSIGN_OR_RETURN(const std::unique_ptr<MessageStream> stream,
                       transport_.OpenStream(topic.name, partition, Transport::kFirstKept));
      for (int waited = 0; waited < transport_.timeout_ms() && !stream->at_end();
           waited += kCreateWaitMs) {
        ASSIGN_OR_RETURN(const std::optional<InMessage> message, stream->Wait(kCreateWaitMs));
        if (!message.has_value()) continue;
        ASSIGN_OR_RETURN(const bool made_meanwhile, Exists(journal));
        return made_meanwhile ? absl::OkStatus() : Deleted(journal, topic.name);
      }
    }
    return absl::OkStatus();
  }

  absl::Status MakeTopic(const std::string& topic, uint32_t num_partitions,
                         const TopicRules& rules) {
    auto found = transport_.Describe(topic);
    if (absl::IsNotFound(found.status()) && options_.create) {
      ASSIGN_OR_RETURN(const int brokers, transport_.CountBrokers());
      const int replication =
          options_.replication > 0 ? options_.replication : std::clamp(brokers, 1, 3);
      Settings settings = rules.checked;
      settings.emplace_back(kMaxMessageBytes, "16777216");
      settings.emplace_back("message.timestamp.type", rules.timestamps);
      // Brokers free the disk of what is deleted by whole segments, but for the newest.
      settings.emplace_back("segment.bytes", "67108864");
      settings.emplace_back("unclean.leader.election.enable", "false");
      settings.emplace_back("min.insync.replicas", replication >= 3 ? "2" : "1");
      RETURN_IF_ERROR(transport_.CreateTopic(topic, num_partitions, replication, settings));
      RETURN_IF_ERROR(AwaitTopic(topic, found));
    }
    if (!found.ok()) return found.status();
    if (found->num_partitions != num_partitions) {
      return absl::FailedPreconditionError(
          absl::StrCat("topic '", topic, "' has ", found->num_partitions,
                       " partitions and the job needs ", num_partitions,
                       "; another job or another revision of this one made it: give the job "
                       "another name, or delete its topics to start over"));
    }
    RETURN_IF_ERROR(CheckSettings(topic, rules.checked));
    return CheckSize(topic, kMaxBatchBytes, /*is_sink=*/false);
  }

  absl::Status CheckSink(const SinkTopic& sink) {
    const absl::Status status = CheckSize(sink.name, sink.max_record_bytes, /*is_sink=*/true);
    // Who may write a topic need not be allowed to read its settings.
    if (absl::IsPermissionDenied(status)) return absl::OkStatus();
    RETURN_IF_ERROR(status);
    return WatchAge(sink.name);
  }

  // Records carry event times, by which brokers delete them.
  absl::Status WatchAge(const std::string& topic) {
    ASSIGN_OR_RETURN(const std::vector<std::string> values,
                     transport_.ReadSettings(
                         topic, {"retention.ms", "cleanup.policy", "message.timestamp.type"}));
    int64_t retention_ms = -1;
    const bool deletes = absl::SimpleAtoi(values[0], &retention_ms) && retention_ms >= 0 &&
                         absl::StrContains(values[1], "delete");
    if (deletes && values[2] == "CreateTime") age_watch_.Add(topic, retention_ms);
    return absl::OkStatus();
  }

  absl::Status CheckSize(const std::string& topic, size_t record_bytes, bool is_sink) {
    ASSIGN_OR_RETURN(const std::vector<std::string> values,
                     transport_.ReadSettings(topic, {std::string(kMaxMessageBytes)}));
    uint64_t most = 0;
    const size_t needed = record_bytes + kOverheadBytes;
    if (absl::SimpleAtoi(values[0], &most) && most >= needed) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        "topic '", topic, "': setting ", kMaxMessageBytes, " is '", values[0], "', and ",
        is_sink ? "maxRecordBytes of the sink" : "the job", " needs ", needed, ", ", kOverheadBytes,
        " of them for what stands around a record; set it with kafka-configs --alter",
        is_sink ? ", or lower maxRecordBytes" : ""));
  }

  // A new topic is known to the brokers a moment after it was made.
  absl::Status AwaitTopic(const std::string& topic, absl::StatusOr<TopicDescription>& found) {
    for (int attempt = 0; attempt < kCreateAttempts; ++attempt) {
      found = transport_.Describe(topic);
      if (found.ok() && found->num_partitions > 0) return absl::OkStatus();
      std::this_thread::sleep_for(std::chrono::milliseconds(kCreateWaitMs));
    }
    return found.status();
  }

  absl::Status CheckSettings(const std::string& topic, const Settings& wanted) {
    std::vector<std::string> names;
    names.reserve(wanted.size());
    for (const auto& [name, value] : wanted) names.push_back(name);
    ASSIGN_OR_RETURN(const std::vector<std::string> values, transport_.ReadSettings(topic, names));
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] == wanted[i].second) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("topic '", topic, "': setting ", names[i], " is '", values[i],
                       "' and has to be '", wanted[i].second,
                       "', or brokers may delete what the job needs; set it with kafka-configs "
                       "--alter"));
    }
    return absl::OkStatus();
  }

  Transport& transport_;
  const KafkaLogOptions& options_;
  AgeWatch& age_watch_;
};

}  // namespace

size_t MaxBatchBytes(const KafkaLogOptions& options) {
  size_t most = kMaxBatchBytes;
  for (const SinkTopic& sink : options.sinks) {
    most = std::min(most, sink.max_record_bytes + kOverheadBytes);
  }
  return most;
}

absl::Status MakeJobTopics(Transport& transport, const KafkaLogOptions& options,
                           AgeWatch& age_watch) {
  return JobTopics(transport, options, age_watch).Make();
}

}  // namespace streamml::log::internal
