// How a source's records are judged.
#pragma once

#include <cstdint>
#include <string>

#include "worker/connectors/record_decoder.h"

namespace streamml::lane {

enum class OnError : uint8_t { kDeadLetter, kSkip, kFail };

struct SourceRules {
  std::string source_name;
  connectors::SourceDescription description;
  // A row is late when it is older than the greatest event time before it in its partition, less
  // this.
  int64_t delay_us = 0;
  OnError on_error = OnError::kDeadLetter;
  int64_t idle_us = 0;  // of partitions without an end: see Input::idle_us
};

}  // namespace streamml::lane
