#include "worker/main/mistakes.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace streamml::worker {
namespace {

// Takes "12:" off the front; 0 when there is no number.
uint32_t TakeNumber(std::string_view& rest) {
  uint32_t value = 0;
  size_t size = 0;
  while (size < rest.size() && size < 9 &&
         absl::ascii_isdigit(static_cast<unsigned char>(rest[size]))) {
    value = value * 10 + static_cast<uint32_t>(rest[size] - '0');
    ++size;
  }
  if (size == 0 || size == rest.size() || rest[size] != ':') return 0;
  rest.remove_prefix(size + 1);
  return value;
}

// "spec.views[features].sql: " off the front. Paths begin with a field of the manifest.
std::string TakePath(std::string_view& rest) {
  const size_t end = rest.find(": ");
  if (end == std::string_view::npos) return "";
  const std::string_view path = rest.substr(0, end);
  const std::string_view field = path.substr(0, path.find_first_of(".["));
  const bool known =
      field == "spec" || field == "metadata" || field == "apiVersion" || field == "kind";
  if (!known || path.find(' ') != std::string_view::npos) return "";
  std::string result(path);
  rest.remove_prefix(end + 2);
  return result;
}

fleet::v1::Mistake ToMistake(std::string_view line, std::string_view file_name) {
  fleet::v1::Mistake mistake;
  mistake.set_text(std::string(line));
  if (line.starts_with(file_name) && line.substr(file_name.size()).starts_with(":")) {
    line.remove_prefix(file_name.size() + 1);
    mistake.set_line(TakeNumber(line));
    if (mistake.line() > 0) mistake.set_column(TakeNumber(line));
    if (line.starts_with(" ")) line.remove_prefix(1);
  }
  mistake.set_path(TakePath(line));
  mistake.set_message(std::string(line));
  return mistake;
}

}  // namespace

std::vector<fleet::v1::Mistake> ToMistakes(std::string_view text, std::string_view file_name) {
  std::vector<fleet::v1::Mistake> mistakes;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) mistakes.push_back(ToMistake(text.substr(0, end), file_name));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return mistakes;
}

}  // namespace streamml::worker
