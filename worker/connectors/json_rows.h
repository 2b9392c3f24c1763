// Rows and dead letters as JSON, one object per line: what sinks and the dead-letter relation
// write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/connectors/dead_letter.h"
#include "worker/data/batch.h"

namespace streamml::connectors {

// Writes rows of one schema. Equal rows have equal bytes. Fields stand in the order of the schema,
// values are as in worker/data/json_text.h. Immutable after construction: usable from any number of
// threads.
class JsonRowWriter {
 public:
  explicit JsonRowWriter(const data::Schema& schema);

  // Appends one object and a line feed.
  void Append(const data::Batch& batch, size_t row, std::string& out) const;
  // Appends all rows.
  void Append(const data::Batch& batch, std::string& out) const;

 private:
  std::vector<std::string> keys_;  // `"name":` with the bracket or comma in front
};

// Appends {"source":..,"partition":..,"record":..,"bytePosition":..,"reason":..,"raw":..} and a
// line feed; "rawBase64" instead of "raw" where the bytes are not UTF-8, and "rawCut":true where
// only their beginning was kept. `partition` is the name of the file,
// shown by ShowAsUtf8 (utf8.h).
void AppendDeadLetterJson(std::string_view source, std::string_view partition,
                          const DeadLetter& letter, std::string& out);

// The same of a record of a topic: {"source":..,"topic":..,"partition":..,"offset":..,"reason":..,
// "raw":..}, with "event" in front of the reason and "key" (or "keyBase64") in front of the raw
// bytes where the letter has them, and "keyCut":true behind a key of which only the beginning is
// there.
struct TopicPartition {
  std::string_view topic;
  uint32_t partition = 0;
};
void AppendDeadLetterJson(std::string_view source, const TopicPartition& partition,
                          const DeadLetter& letter, std::string& out);

}  // namespace streamml::connectors
