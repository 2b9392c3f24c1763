#include "worker/cli/token.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"

namespace streamml::cli {
namespace {

constexpr int64_t kUnknownLifeMs = 300'000;
constexpr double kMaxSeconds = 1e11;  // the year 5138

}  // namespace

log::KafkaToken ReadToken(std::string_view text, int64_t now_ms) {
  log::KafkaToken token;
  token.text = std::string(absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
  token.principal = "streamml";
  token.end_ms = now_ms + kUnknownLifeMs;
  const std::vector<std::string> parts = absl::StrSplit(token.text, '.');
  std::string claims;
  if (parts.size() != 3 || !absl::WebSafeBase64Unescape(parts[1], &claims)) return token;
  const auto json = nlohmann::json::parse(claims, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return token;
  const auto subject = json.find("sub");
  if (subject != json.end() && subject->is_string()) token.principal = subject->get<std::string>();
  const auto end = json.find("exp");
  if (end == json.end() || !end->is_number()) return token;
  const auto seconds = end->get<double>();
  if (seconds > 0 && seconds < kMaxSeconds) token.end_ms = static_cast<int64_t>(seconds * 1000);
  return token;
}

}  // namespace streamml::cli
