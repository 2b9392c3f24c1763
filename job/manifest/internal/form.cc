#include "job/manifest/internal/form.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "job/manifest/values.h"

namespace streamml::manifest::internal {
namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr size_t kMaxNameBytes = 63;

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsAlpha(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }
bool IsLower(char c) { return kLower.find(c) != std::string_view::npos; }

template <typename First, typename Rest>
bool Matches(std::string_view text, size_t max_size, First first, Rest rest) {
  return !text.empty() && text.size() <= max_size && first(text.front()) &&
         std::all_of(text.begin() + 1, text.end(), rest);
}

bool IsRelation(std::string_view text) {
  const auto first = [](char c) { return IsLower(c) || c == '_'; };
  return Matches(text, kMaxNameBytes, first, [&](char c) { return first(c) || IsDigit(c); });
}

bool IsRelationReference(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos) return IsRelation(text);
  const std::string_view suffix = text.substr(dot + 1);
  return IsRelation(text.substr(0, dot)) && (suffix == "dead" || suffix == "late");
}

bool IsColumn(std::string_view text) {
  const auto first = [](char c) { return IsAlpha(c) || c == '_'; };
  return Matches(text, kMaxNameBytes, first, [&](char c) { return first(c) || IsDigit(c); });
}

bool IsName(std::string_view text) {
  return Matches(text, kMaxNameBytes, IsAlpha,
                 [](char c) { return IsAlpha(c) || IsDigit(c) || c == '_' || c == '-'; });
}

bool IsDnsLabel(std::string_view text) {
  const auto first = [](char c) { return IsLower(c) || IsDigit(c); };
  return Matches(text, kMaxNameBytes, first, [&](char c) { return first(c) || c == '-'; }) &&
         first(text.back());
}

bool IsTopic(std::string_view text) {
  const auto any = [](char c) {
    return IsAlpha(c) || IsDigit(c) || c == '.' || c == '_' || c == '-';
  };
  return Matches(text, 249, any, any) && text != "." && text != "..";
}

bool IsQuantity(std::string_view text) {
  const size_t end = text.find_first_not_of("0123456789.");
  const std::string_view number = text.substr(0, end);
  const std::string_view suffix = end == std::string_view::npos ? "" : text.substr(end);
  constexpr std::string_view kSuffixes[] = {"",  "m",  "k",  "M",  "G",  "T",  "P",
                                            "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  double value = 0;
  return absl::SimpleAtod(std::string(number), &value) && IsDigit(number.back()) &&
         std::find(std::begin(kSuffixes), std::end(kSuffixes), suffix) != std::end(kSuffixes);
}

bool IsCron(std::string_view text) {
  const std::vector<std::string> fields = absl::StrSplit(std::string(text), ' ');
  const auto is_field = [](std::string_view field) {
    const auto any = [](char c) {
      return IsDigit(c) || IsAlpha(c) || c == '*' || c == '/' || c == ',' || c == '-';
    };
    return Matches(field, 64, any, any);
  };
  return fields.size() == 5 && std::all_of(fields.begin(), fields.end(), is_field);
}

bool IsBroker(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  int port = 0;
  return absl::SimpleAtoi(std::string(text.substr(colon + 1)), &port) && port >= 1 &&
         port <= 65535 && text.find_first_of(" /") == std::string_view::npos;
}

bool AreBrokers(std::string_view text) {
  const std::vector<std::string> brokers = absl::StrSplit(std::string(text), ',');
  return std::all_of(brokers.begin(), brokers.end(), IsBroker);
}

}  // namespace

bool HasForm(std::string_view text, Form form) {
  switch (form) {
    case RELATION:
      return IsRelation(text);
    case RELATION_REFERENCE:
      return IsRelationReference(text);
    case COLUMN:
      return IsColumn(text);
    case NAME:
      return IsName(text);
    case DNS_LABEL:
      return IsDnsLabel(text);
    case TOPIC:
      return IsTopic(text);
    case DURATION:
      return ParseDuration(text).ok();
    case PERCENT:
      return ParsePercent(text).ok();
    case QUANTITY:
      return IsQuantity(text);
    case CRON:
      return IsCron(text);
    case BROKERS:
      return AreBrokers(text);
    default:
      return !text.empty();  // TEXT, SQL, SCALAR
  }
}

std::string_view Describe(Form form) {
  switch (form) {
    case RELATION:
      return "an SQL name: a-z, 0-9 and _, not a digit first, at most 63";
    case RELATION_REFERENCE:
      return "the name of a relation, or <relation>.dead or <relation>.late";
    case COLUMN:
      return "an SQL name: letters, digits and _, not a digit first, at most 63";
    case NAME:
      return "a name: letters, digits, _ and -, a letter first, at most 63";
    case DNS_LABEL:
      return "a DNS label: a-z, 0-9 and -, a letter or digit at both ends, at most 63";
    case TOPIC:
      return "a Kafka topic: letters, digits, ., _ and -, at most 249";
    case DURATION:
      return "a duration such as 500ms, 30s, 1h30m or 7d, at most 36500d";
    case PERCENT:
      return "a percentage such as 1%, 0.5% or 100%";
    case QUANTITY:
      return "a quantity such as 2, 500m or 1Gi";
    case CRON:
      return "five cron fields such as '0 3 * * *'";
    case BROKERS:
      return "host:port, or several with commas between";
    default:
      return "a text that is not empty";
  }
}

const Rule& RuleOf(const google::protobuf::FieldDescriptor& field) {
  return field.options().GetExtension(rule);
}

}  // namespace streamml::manifest::internal
