// Numbers and times as people read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace streamml::cli {

// "1,234,567"
std::string WithCommas(uint64_t number);
// "512 B", "1.4 kB", "23.0 MB"
std::string Bytes(uint64_t bytes);
// "0.8 s", "1m 05s", "2h 03m"
std::string Seconds(double seconds);
// A metric: at most six decimals, "-" where there is none.
std::string MetricText(const std::optional<double>& value);
// "2026-03-01 10:20:30", "end" for the end of all inputs, "-" while unknown.
std::string WatermarkText(int64_t watermark);

}  // namespace streamml::cli
