#include "worker/state/store/internal/sha256.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstring>

#include "absl/log/check.h"
#include "absl/strings/escaping.h"
#include "base/status.h"

namespace streamml::state {
namespace {

constexpr size_t kPieceSize = size_t{1} << 20;

uint64_t RandomBits() {
  unsigned char bytes[8];
  CHECK(RAND_bytes(bytes, sizeof(bytes)) == 1) << "no random bytes";
  uint64_t bits = 0;
  std::memcpy(&bits, bytes, sizeof(bits));
  return bits;
}

}  // namespace

struct Sha256::Context {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> evp{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  CHECK(EVP_DigestInit_ex(context_->evp.get(), EVP_sha256(), nullptr) == 1) << "no SHA-256";
}

Sha256::~Sha256() = default;

void Sha256::Add(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(context_->evp.get(), bytes.data(), bytes.size()) == 1);
}

Sha256Bytes Sha256::Finish() {
  unsigned char digest[32];
  unsigned int size = 0;
  CHECK(EVP_DigestFinal_ex(context_->evp.get(), digest, &size) == 1 && size == sizeof(digest));
  return {reinterpret_cast<const char*>(digest), sizeof(digest)};
}

Sha256Bytes Sha256Of(std::string_view bytes) {
  Sha256 hash;
  hash.Add(bytes);
  return hash.Finish();
}

absl::StatusOr<Sha256Bytes> Sha256Of(const ReadFile& file) {
  Sha256 hash;
  std::string piece;
  uint64_t offset = 0;
  do {
    RETURN_IF_ERROR(file.ReadAt(offset, kPieceSize, piece));
    hash.Add(piece);
    offset += piece.size();
  } while (piece.size() == kPieceSize);
  return hash.Finish();
}

std::string ToHex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

std::string UniqueName() {
  const uint64_t bits = RandomBits();
  return ToHex({reinterpret_cast<const char*>(&bits), sizeof(bits)});
}

double RandomFraction() { return static_cast<double>(RandomBits() >> 11) * 0x1p-53; }

}  // namespace streamml::state
