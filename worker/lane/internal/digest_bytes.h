// Digests as 16 bytes in journal and snapshot messages.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/hash.h"

namespace streamml::lane::internal {

inline std::string ToBytes(const Digest& digest) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.U64(digest.low);
  writer.U64(digest.high);
  return bytes;
}

// Bytes of another length give a digest that matches nothing that was computed.
inline Digest FromBytes(std::string_view bytes) {
  Digest digest{~uint64_t{0}, ~uint64_t{0}};
  if (bytes.size() != sizeof(Digest)) return digest;
  ByteReader reader(bytes);
  digest.low = reader.U64();
  digest.high = reader.U64();
  return digest;
}

}  // namespace streamml::lane::internal
