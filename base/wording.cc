#include "base/wording.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "base/status.h"

namespace streamml {
namespace {

constexpr size_t kMaxQuotedBytes = 60;
constexpr size_t kMaxWordBytes = 64;

// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

std::string Quoted(std::string_view text) {
  if (text.size() <= kMaxQuotedBytes) {
    return absl::StrCat("'", absl::Utf8SafeCHexEscape(std::string(text)), "'");
  }
  size_t size = kMaxQuotedBytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return absl::StrCat("'", absl::Utf8SafeCHexEscape(std::string(text.substr(0, size))), "...'");
}

const std::string* Nearest(std::string_view seen, absl::Span<const std::string> known) {
  if (seen.empty() || seen.size() > kMaxWordBytes) return nullptr;
  const std::string lower = absl::AsciiStrToLower(std::string(seen));
  const std::string* nearest = nullptr;
  size_t least = std::max<size_t>(1, std::min<size_t>(3, seen.size() / 3)) + 1;
  for (const std::string& candidate : known) {
    if (candidate.size() > kMaxWordBytes) continue;
    const size_t distance = EditDistance(lower, absl::AsciiStrToLower(candidate));
    if (distance < least && distance < candidate.size()) {
      least = distance;
      nearest = &candidate;
    }
  }
  return nearest;
}

std::string DidYouMean(std::string_view seen, absl::Span<const std::string> known) {
  const std::string* nearest = Nearest(seen, known);
  return nearest == nullptr ? "" : absl::StrCat("; did you mean ", Quoted(*nearest), "?");
}

}  // namespace streamml
