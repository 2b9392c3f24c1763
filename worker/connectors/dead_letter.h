// A record that could not become a row, with everything needed to find, mend and send it again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace streamml::connectors {

struct DeadLetter {
  uint64_t record = 0;         // ordinal of the record in its partition, from 0
  uint64_t byte_position = 0;  // uncompressed offset of its first byte
  std::string reason;
  std::string raw;       // the record without its line end
  bool raw_cut = false;  // raw holds only the beginning
  // Of records of topics: number of the event in a record of several, and the record's key.
  std::optional<uint32_t> event = {};
  std::optional<std::string> key = {};
  bool key_cut = false;  // key holds only the beginning
};

}  // namespace streamml::connectors
