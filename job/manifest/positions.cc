#include "job/manifest/positions.h"

#include <algorithm>

#include "base/status.h"

namespace streamml::manifest {
namespace {

bool IsIndex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The path of the value around; empty for the outermost.
std::string_view Parent(std::string_view path) {
  const size_t end = path.find_last_of(".[");
  return end == std::string_view::npos ? std::string_view() : path.substr(0, end);
}

}  // namespace

Positions::Positions(std::string_view file) : file_(file), line_starts_{0} {
  for (size_t i = 0; i < file_.size(); ++i) {
    if (file_[i] == '\n') line_starts_.push_back(i + 1);
  }
}

Position Positions::Find(std::string_view path) const {
  const std::string canonical = WithIndices(path);
  for (std::string_view rest = canonical;; rest = Parent(rest)) {
    if (const auto found = offsets_.find(rest); found != offsets_.end()) return At(found->second);
    if (rest.empty()) return {};
  }
}

Position Positions::FindInText(std::string_view path, size_t offset) const {
  const auto found = texts_.find(WithIndices(path));
  if (found == texts_.end() || found->second.empty()) return Find(path);
  const std::vector<TextRun>& runs = found->second;
  // The last run marks the end of what is known.
  if (offset >= runs.back().text_offset) {
    return runs.back().file_offset == std::string::npos ? Find(path) : At(runs.back().file_offset);
  }
  const auto next =
      std::upper_bound(runs.begin(), runs.end(), offset,
                       [](size_t value, const TextRun& run) { return value < run.text_offset; });
  if (next == runs.begin()) return Find(path);
  const TextRun& run = *(next - 1);
  return At(run.file_offset + (offset - run.text_offset));
}

Position Positions::At(size_t file_offset) const {
  if (line_starts_.empty()) return {};
  file_offset = std::min(file_offset, file_.size());
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), file_offset);
  const size_t line_start = *(next - 1);
  int column = 1;
  for (size_t i = line_start; i < file_offset; ++i) {
    const bool continues_character = (static_cast<unsigned char>(file_[i]) & 0xC0) == 0x80;
    if (!continues_character) ++column;
  }
  return {static_cast<int>(next - line_starts_.begin()), column};
}

void Positions::Add(std::string_view path, size_t file_offset) {
  offsets_.insert_or_assign(std::string(path), file_offset);
}

void Positions::AddText(std::string_view path, std::vector<TextRun> runs) {
  texts_.insert_or_assign(std::string(path), std::move(runs));
}

void Positions::AddName(std::string_view list_path, std::string_view name, size_t index) {
  names_.try_emplace(absl::StrCat(list_path, "[", name, "]"), index);
}

std::string Positions::WithIndices(std::string_view path) const {
  std::string result;
  while (!path.empty()) {
    const size_t open = path.find('[');
    const size_t close = path.find(']', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    result.append(path.substr(0, open));
    const std::string_view name = path.substr(open + 1, close - open - 1);
    const auto found =
        IsIndex(name) ? names_.end() : names_.find(absl::StrCat(result, "[", name, "]"));
    if (found == names_.end()) {
      absl::StrAppend(&result, "[", name, "]");
    } else {
      absl::StrAppend(&result, "[", found->second, "]");
    }
    path.remove_prefix(close + 1);
  }
  return result.append(path);
}

}  // namespace streamml::manifest
