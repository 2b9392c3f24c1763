#include "worker/state/array_state.h"

#include <string>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"

namespace streamml::state {

namespace {
constexpr uint64_t kMaxPages = (uint64_t{1} << 40) / ArrayState::kPageSize;
}  // namespace

ArrayState::ArrayState(StateId id, StateSet& set) : id_(std::move(id)) { set.Declare(*this); }

void ArrayState::CreatePage(uint64_t number) {
  CHECK(number < kMaxPages) << "index of state " << id_.ToString() << " out of range";
  if (number >= pages_.size()) pages_.resize(number + 1);
  pages_[number] = std::make_unique<Page>();
  ++num_pages_;
}

void ArrayState::MarkDirty(uint64_t number) {
  pages_[number]->dirty = true;
  dirty_.push_back(number);
}

void ArrayState::TakeChanges(ChangeSink& sink) {
  std::string key;
  for (const uint64_t number : dirty_) {
    Page& page = *pages_[number];
    page.dirty = false;
    key.clear();
    ByteWriter(key).U64(number);
    sink.Put(key, std::string_view(reinterpret_cast<const char*>(page.values.data()),
                                   kPageSize * sizeof(double)));
  }
  dirty_.clear();
}

absl::Status ArrayState::Load(std::string_view key, std::string_view value) {
  ByteReader reader(key);
  const uint64_t number = reader.U64();
  if (!reader.AtEnd() || number >= kMaxPages || value.size() != kPageSize * sizeof(double)) {
    return absl::DataLossError(absl::StrCat("state ", id_.ToString(), ": an entry of ",
                                            value.size(), " bytes is not a page of this state"));
  }
  if (Peek(number * kPageSize) == nullptr) CreatePage(number);
  std::memcpy(pages_[number]->values.data(), value.data(), value.size());
  return absl::OkStatus();
}

}  // namespace streamml::state
