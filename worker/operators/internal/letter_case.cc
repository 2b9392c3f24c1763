#include "worker/operators/internal/letter_case.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "absl/types/span.h"
#include "worker/operators/internal/letter_case_table.h"

namespace streamml::operators::internal {

namespace {

struct Character {
  uint32_t code = 0;
  size_t size = 0;  // 0: not UTF-8
};

// The character at the front of `text`, which is not empty; overlong forms are not looked for,
// since they map to nothing shorter.
Character Decode(std::string_view text) {
  const uint8_t first = static_cast<uint8_t>(text[0]);
  const size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return {};
  uint32_t code = first & (0xFFU >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    const uint8_t byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xC0) != 0x80) return {};
    code = code << 6 | (byte & 0x3F);
  }
  return {code, size};
}

void Encode(uint32_t code, std::string& out) {
  const auto continuation = [&](int shift) {
    out.push_back(static_cast<char>(0x80 | (code >> shift & 0x3F)));
  };
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code >> 6));
    continuation(0);
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code >> 12));
    continuation(6);
    continuation(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | code >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

uint32_t MapCode(uint32_t code, absl::Span<const CaseRun> runs) {
  const auto after =
      std::upper_bound(runs.begin(), runs.end(), code,
                       [](uint32_t wanted, const CaseRun& run) { return wanted < run.first; });
  if (after == runs.begin()) return code;
  const CaseRun& run = *std::prev(after);
  if (code > run.last || (code - run.first) % run.step != 0) return code;
  return static_cast<uint32_t>(static_cast<int64_t>(code) + run.delta);
}

void Map(std::string_view text, char first_ascii, absl::Span<const CaseRun> runs,
         std::string& out) {
  out.clear();
  while (!text.empty()) {
    const char byte = text[0];
    if (static_cast<uint8_t>(byte) < 0x80) {
      const bool other_case = byte >= first_ascii && byte < first_ascii + 26;
      out.push_back(static_cast<char>(other_case ? byte ^ 0x20 : byte));
      text.remove_prefix(1);
      continue;
    }
    const Character character = Decode(text);
    if (character.size == 0) {
      out.push_back(byte);
      text.remove_prefix(1);
      continue;
    }
    const uint32_t mapped = MapCode(character.code, runs);
    mapped == character.code ? void(out.append(text.substr(0, character.size)))
                             : Encode(mapped, out);
    text.remove_prefix(character.size);
  }
}

}  // namespace

void ToLower(std::string_view text, std::string& out) { Map(text, 'A', kLowerRuns, out); }

void ToUpper(std::string_view text, std::string& out) { Map(text, 'a', kUpperRuns, out); }

}  // namespace streamml::operators::internal
