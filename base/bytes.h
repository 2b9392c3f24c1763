// Little-endian encoding of values into byte strings, and its checked decoding. Every stored format
// of StreamML is made of these, so equal values have equal bytes on every machine.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace streamml {

static_assert(std::endian::native == std::endian::little,
              "formats are little-endian; port bytes.h");

// Appends to a string owned by the caller, which must outlive the writer.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  void U8(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void U32(uint32_t value) { Raw(&value, sizeof value); }
  void U64(uint64_t value) { Raw(&value, sizeof value); }
  void I64(int64_t value) { Raw(&value, sizeof value); }
  // The bit pattern is kept: NaN payloads and -0 survive.
  void F64(double value) { Raw(&value, sizeof value); }
  // LEB128, 1 to 10 bytes.
  void Varint(uint64_t value) {
    while (value >= 0x80) {
      U8(static_cast<uint8_t>(value | 0x80));
      value >>= 7;
    }
    U8(static_cast<uint8_t>(value));
  }
  // Length as a varint, then the bytes.
  void Text(std::string_view value) {
    Varint(value.size());
    out_.append(value);
  }
  void Raw(const void* data, size_t size) { out_.append(static_cast<const char*>(data), size); }

 private:
  std::string& out_;
};

// Reads what ByteWriter wrote. The first read beyond the end makes ok() false for good; reads then
// return zeros and empty texts. Views returned point into the input.
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}

  uint8_t U8() { return Fixed<uint8_t>(); }
  uint32_t U32() { return Fixed<uint32_t>(); }
  uint64_t U64() { return Fixed<uint64_t>(); }
  int64_t I64() { return Fixed<int64_t>(); }
  double F64() { return Fixed<double>(); }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = U8();
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  std::string_view Text() { return Raw(Varint()); }
  std::string_view Raw(uint64_t size) {
    if (!ok_ || size > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    const std::string_view result = in_.substr(0, size);
    in_.remove_prefix(size);
    return result;
  }

  bool ok() const { return ok_; }
  size_t remaining() const { return in_.size(); }
  // True when all was read and nothing was missing.
  bool AtEnd() const { return ok_ && in_.empty(); }

 private:
  template <typename T>
  T Fixed() {
    T value{};
    const std::string_view bytes = Raw(sizeof(T));
    if (bytes.size() == sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  std::string_view in_;
  bool ok_ = true;
};

}  // namespace streamml
