// Stored form of a frame: number of rows, then for each row its time (the first one whole, the
// others as distance to the one before), its NULL bits and the values that are not NULL.
#include <array>
#include <cstdint>
#include <limits>

#include "base/bytes.h"
#include "worker/operators/internal/frame.h"

namespace streamml::operators::internal {

namespace {

using data::Type;

void EncodeRow(const FrameLayout& layout, const Frame& frame, uint32_t row, ByteWriter& writer) {
  const uint64_t* words = frame.words.data() + layout.header_words + row * layout.row_words;
  const uint64_t nulls = words[kBlockWord] >> 32;
  writer.Varint(nulls);
  for (size_t a = 0; a < layout.arguments.size(); ++a) {
    if ((nulls >> a & 1) != 0) continue;
    const FrameArgument& argument = layout.arguments[a];
    if (argument.type == Type::kText) {
      writer.Text(frame.texts[row * layout.row_texts + argument.text]);
    } else {
      writer.U64(words[argument.value]);
    }
  }
}

// Reads rows into buffers that they share.
class RowReader {
 public:
  // NOLINTNEXTLINE(*-member-init): values are set before they are shown
  RowReader(const FrameLayout& layout, std::string_view bytes) : layout_(layout), reader_(bytes) {}

  uint64_t ReadNumRows() { return reader_.Varint(); }
  // False when the bytes are not a row; the first row has `is_first`.
  bool Read(bool is_first, Frame& out) {
    const uint64_t word = is_first ? reader_.U64() : reader_.Varint();
    const auto limit = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    const uint64_t room = limit - static_cast<uint64_t>(time_);  // exact modulo 2^64
    if (!is_first && word > room) return false;
    time_ = static_cast<int64_t>(is_first ? word : static_cast<uint64_t>(time_) + word);
    const uint64_t nulls = reader_.Varint();
    const size_t num_arguments = layout_.arguments.size();
    if (nulls >> num_arguments != 0) return false;
    for (size_t a = 0; a < num_arguments; ++a) {
      const bool is_text = layout_.arguments[a].type == Type::kText;
      const bool is_null = (nulls >> a & 1) != 0;
      values_[a] = is_null || is_text ? 0 : reader_.U64();
      texts_[a] = is_null || !is_text ? std::string_view() : reader_.Text();
    }
    if (!reader_.ok()) return false;
    Append(layout_,
           {time_,
            static_cast<uint32_t>(nulls),
            {values_.data(), num_arguments},
            {texts_.data(), num_arguments}},
           out);
    return true;
  }
  bool AtEnd() const { return reader_.AtEnd(); }

 private:
  const FrameLayout& layout_;
  ByteReader reader_;
  int64_t time_ = 0;
  std::array<uint64_t, kMaxArguments> values_;
  std::array<std::string_view, kMaxArguments> texts_;
};

}  // namespace

void FrameCodec::Encode(const Frame& frame, std::string& out) const {
  ByteWriter writer(out);
  writer.Varint(NumRows(frame));
  uint64_t previous = 0;
  for (uint32_t row = frame.first; row < frame.end; ++row) {
    const uint64_t time = frame.words[layout_->header_words + row * layout_->row_words + kTimeWord];
    row == frame.first ? writer.U64(time) : writer.Varint(time - previous);
    previous = time;
    EncodeRow(*layout_, frame, row, writer);
  }
}

bool FrameCodec::Decode(std::string_view bytes, Frame& out) const {
  RowReader reader(*layout_, bytes);
  const uint64_t num_rows = reader.ReadNumRows();
  if (num_rows == 0 || num_rows > bytes.size()) return false;
  out = Frame{};
  for (uint64_t row = 0; row < num_rows; ++row) {
    if (!reader.Read(row == 0, out)) return false;
  }
  return reader.AtEnd();
}

int64_t FrameCodec::Bytes(const Frame& frame) const {
  const size_t bytes = frame.words.capacity() * sizeof(uint64_t) +
                       frame.texts.capacity() * sizeof(std::string) + frame.text_bytes;
  return static_cast<int64_t>(bytes);
}

}  // namespace streamml::operators::internal
