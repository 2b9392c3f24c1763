#include "worker/cli/text.h"

#include "absl/strings/str_format.h"
#include "base/status.h"
#include "worker/data/batch.h"
#include "worker/data/time_text.h"

namespace streamml::cli {

std::string WithCommas(uint64_t number) {
  std::string text = absl::StrCat(number);
  for (size_t place = text.size(); place > 3; place -= 3) text.insert(place - 3, ",");
  return text;
}

std::string Bytes(uint64_t bytes) {
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes);
  const char* unit = "B";
  for (const char* next : {"kB", "MB", "GB", "TB"}) {
    if (value < 999.95) break;
    value /= 1000;
    unit = next;
  }
  return absl::StrFormat("%.1f %s", value, unit);
}

std::string Seconds(double seconds) {
  if (seconds < 60) return absl::StrFormat("%.1f s", seconds);
  const auto whole = static_cast<int64_t>(seconds);
  if (whole < 3600) return absl::StrFormat("%dm %02ds", whole / 60, whole % 60);
  return absl::StrFormat("%dh %02dm", whole / 3600, whole / 60 % 60);
}

std::string MetricText(const std::optional<double>& value) {
  if (!value.has_value()) return "-";
  return absl::StrFormat("%.6g", *value);
}

std::string WatermarkText(int64_t watermark) {
  if (watermark == data::kMaxTime) return "end";
  if (watermark == data::kMinTime) return "-";
  std::string text;
  data::AppendTimestampText(watermark, text);
  return text;
}

}  // namespace streamml::cli
