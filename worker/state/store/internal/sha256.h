// SHA-256, of objects and of requests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/disk.h"

namespace streamml::state {

// 32 bytes.
using Sha256Bytes = std::string;

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Add(std::string_view bytes);
  // Ends it.
  Sha256Bytes Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Sha256Bytes Sha256Of(std::string_view bytes);
// Reads the file in pieces.
absl::StatusOr<Sha256Bytes> Sha256Of(const ReadFile& file);

// Lower case.
std::string ToHex(std::string_view bytes);

// 16 hexadecimal digits that no other process or call gets.
std::string UniqueName();

// Uniform in [0, 1): for waits that are not to be the same everywhere.
double RandomFraction();

}  // namespace streamml::state
