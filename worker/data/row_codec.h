// One row as bytes: the form in which rows lie in internal topics and enter digests. Equal rows
// have equal bytes. NULLs are kept; a failed value must not reach this point (CHECK).
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "worker/data/batch.h"

namespace streamml::data {

// Appends origin and values of one row to `out`.
void EncodeRow(const Batch& batch, size_t row, std::string& out);

// Appends the row at the front of `bytes` to `builder` (whose schema is the encoded one) and
// removes it from `bytes`. DATA_LOSS when the bytes are not a row of that schema; the builder is
// then unusable.
absl::Status DecodeRow(std::string_view& bytes, const Schema& schema, BatchBuilder& builder);

}  // namespace streamml::data
