// Topics in memory: partitions that tests fill and take from.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "worker/log/topics.h"

namespace streamml::lane {

class FakeTopics final : public log::Topics {
 public:
  struct Record {
    uint64_t offset = 0;
    std::string value;
    bool has_value = true;
    std::optional<std::string> key = {};
    int64_t timestamp_us = -1;
    std::vector<std::pair<std::string, std::string>> headers = {};
  };
  using Partition = std::vector<Record>;

  // At the next offset.
  void Add(uint32_t partition, std::string value) {
    Partition& records = partitions_[partition];
    const uint64_t offset = records.empty() ? 0 : records.back().offset + 1;
    // Parsers may look at what is behind a record.
    value.reserve(value.size() + 64);
    Record record;
    record.offset = offset;
    record.value = std::move(value);
    records.push_back(std::move(record));
  }
  Partition& partition(uint32_t index) { return partitions_[index]; }

  absl::StatusOr<log::TopicDescription> Describe(const std::string&) override {
    return log::TopicDescription{"cluster", "topic", static_cast<uint32_t>(partitions_.size())};
  }
  absl::StatusOr<std::unique_ptr<log::TopicReader>> Open(const std::string&, uint32_t partition,
                                                         uint64_t offset) override {
    auto reader = std::make_unique<Reader>(partitions_[partition]);
    if (absl::Status status = reader->Seek(offset); !status.ok()) return status;
    return reader;
  }

 private:
  class Reader final : public log::TopicReader {
   public:
    explicit Reader(const Partition& partition) : partition_(partition) {}
    absl::StatusOr<absl::Span<const log::TopicRecord>> Next(size_t max_records) override {
      records_.clear();
      headers_.clear();
      for (const Record& record : partition_) {
        if (record.offset < offset_ || records_.size() == max_records) continue;
        log::TopicRecord out;
        out.offset = record.offset;
        out.has_value = record.has_value;
        out.value = record.value;
        out.has_key = record.key.has_value();
        if (out.has_key) out.key = *record.key;
        out.timestamp_us = record.timestamp_us;
        headers_.emplace_back();
        for (const auto& [name, text] : record.headers) {
          headers_.back().push_back({name, true, text});
        }
        out.headers = headers_.back();
        records_.push_back(out);
      }
      if (!records_.empty()) offset_ = records_.back().offset + 1;
      return absl::MakeConstSpan(records_);
    }
    bool Await(int /*attempt*/) override { return false; }  // all is here at once
    std::optional<uint64_t> num_unread() const override {
      uint64_t count = 0;
      for (const Record& record : partition_) count += record.offset >= offset_ ? 1 : 0;
      return count;
    }
    absl::Status Seek(uint64_t offset) override {
      offset_ = offset == kBeginning ? 0 : offset;
      return absl::OkStatus();
    }

   private:
    const Partition& partition_;
    uint64_t offset_ = 0;
    std::vector<log::TopicRecord> records_;
    std::deque<std::vector<log::TopicHeader>> headers_;
  };

  std::map<uint32_t, Partition> partitions_;
};

}  // namespace streamml::lane
