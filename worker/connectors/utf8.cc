#include "worker/connectors/utf8.h"

#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace streamml::connectors {
namespace {

bool IsContinuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

// Length of the well-formed character at the front of `text`, 0 if there is none.
size_t CharacterSize(std::string_view text) {
  const auto byte = [&](size_t index) {
    return index < text.size() ? static_cast<unsigned char>(text[index]) : 0;
  };
  const unsigned char first = byte(0);
  const unsigned char second = byte(1);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4 || !IsContinuation(second)) return 0;
  if (first < 0xE0) return 2;
  if (!IsContinuation(byte(2))) return 0;
  if (first < 0xF0) {
    const bool overlong = first == 0xE0 && second < 0xA0;
    const bool surrogate = first == 0xED && second > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (!IsContinuation(byte(3))) return 0;
  const bool overlong = first == 0xF0 && second < 0x90;
  const bool too_large = first == 0xF4 && second > 0x8F;
  return overlong || too_large ? 0 : 4;
}

}  // namespace

size_t FindInvalidUtf8(std::string_view text) {
  size_t position = 0;
  while (position < text.size()) {
    uint64_t word = 0;
    if (position + sizeof word <= text.size()) {
      std::memcpy(&word, text.data() + position, sizeof word);
      if ((word & 0x8080808080808080) == 0) {
        position += sizeof word;
        continue;
      }
    }
    const size_t size = CharacterSize(text.substr(position, 4));
    if (size == 0) return position;
    position += size;
  }
  return std::string_view::npos;
}

std::string ShowAsUtf8(std::string_view text) {
  std::string shown;
  while (true) {
    const size_t invalid = FindInvalidUtf8(text);
    shown.append(text.substr(0, invalid));
    if (invalid == std::string_view::npos) return shown;
    absl::StrAppend(&shown, "\\x",
                    absl::Hex(static_cast<unsigned char>(text[invalid]), absl::kZeroPad2));
    text.remove_prefix(invalid + 1);
  }
}

std::string_view Utf8Prefix(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t size = max_bytes;
  while (size > 0 && max_bytes - size < 3 &&
         IsContinuation(static_cast<unsigned char>(text[size]))) {
    --size;
  }
  return text.substr(0, size);
}

}  // namespace streamml::connectors
