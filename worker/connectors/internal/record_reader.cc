#include "worker/connectors/internal/record_reader.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/connectors/format.h"

namespace streamml::connectors::internal {
namespace {

constexpr size_t kNoEnd = static_cast<size_t>(-1);

size_t FindByte(std::string_view text, size_t from, char byte) {
  if (from >= text.size()) return kNoEnd;
  const void* found = std::memchr(text.data() + from, byte, text.size() - from);
  return found == nullptr ? kNoEnd : static_cast<const char*>(found) - text.data();
}

std::string_view WithoutCarriageReturn(std::string_view line) {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

}  // namespace

// Where the scan of one CSV record stands; goes on when more bytes have arrived.
struct RecordReader::CsvScan {
  enum class State { kCellStart, kPlain, kQuoted, kQuoteInQuoted };

  State state = State::kCellStart;
  size_t position = 0;

  bool is_open() const { return state == State::kQuoted; }

  // Position of the LF that ends the record, or kNoEnd after reading all of `text`.
  size_t Advance(std::string_view text) {
    for (; position < text.size(); ++position) {
      const char byte = text[position];
      if (state == State::kQuoted) {
        position = std::min(FindByte(text, position, '"'), text.size());
        if (position == text.size()) return kNoEnd;
        state = State::kQuoteInQuoted;
      } else if (byte == '\n') {
        return position;
      } else if (byte == ',') {
        state = State::kCellStart;
      } else if (byte == '"' && state != State::kPlain) {
        state = State::kQuoted;
      } else {
        state = State::kPlain;
      }
    }
    return kNoEnd;
  }
};

RecordReader::RecordReader(std::unique_ptr<ByteStream> stream, Framing framing,
                           size_t max_record_bytes, size_t read_bytes)
    : stream_(std::move(stream)),
      framing_(framing),
      max_record_bytes_(max_record_bytes),
      read_bytes_(read_bytes),
      buffer_(read_bytes + RowParser::kPadding) {}

absl::Status RecordReader::Fill() {
  if (stream_ended_) return absl::OkStatus();
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + read_bytes_ + RowParser::kPadding) {
    buffer_.resize(std::max(2 * buffer_.size(), end_ + read_bytes_ + RowParser::kPadding));
  }
  ASSIGN_OR_RETURN(const size_t size, stream_->Read(buffer_.data() + end_, read_bytes_));
  end_ += size;
  stream_ended_ = size == 0;
  return absl::OkStatus();
}

absl::Status RecordReader::SkipByteOrderMark() {
  while (Unread().size() < 3 && !stream_ended_) RETURN_IF_ERROR(Fill());
  const std::string_view first = Unread();
  if (first.starts_with("\xFF\xFE") || first.starts_with("\xFE\xFF")) {
    return absl::InvalidArgumentError("the text is UTF-16, supported: UTF-8");
  }
  if (first.starts_with("\xEF\xBB\xBF")) Consume(3);
  return absl::OkStatus();
}

absl::Status RecordReader::SkipTo(uint64_t position) {
  const auto buffered =
      static_cast<size_t>(std::min<uint64_t>(end_ - begin_, position - position_));
  Consume(buffered);
  const uint64_t rest = position - position_;
  if (rest == 0) return absl::OkStatus();
  RETURN_IF_ERROR(stream_->Skip(rest));
  position_ = position;
  return absl::OkStatus();
}

absl::StatusOr<size_t> RecordReader::FindLineEnd() {
  size_t scanned = 0;
  while (true) {
    const std::string_view text = Unread().substr(0, max_record_bytes_ + 1);
    const size_t end = FindByte(text, scanned, '\n');
    if (end != kNoEnd) return end;
    if (text.size() > max_record_bytes_) {
      fault_ = absl::StrCat("longer than ", max_record_bytes_, " bytes");
      return kNoEnd;
    }
    if (stream_ended_) return text.size();
    scanned = text.size();
    RETURN_IF_ERROR(Fill());
  }
}

absl::StatusOr<size_t> RecordReader::FindCsvEnd() {
  CsvScan scan;
  while (true) {
    const std::string_view text = Unread().substr(0, max_record_bytes_ + 1);
    const size_t end = scan.Advance(text);
    if (end != kNoEnd) return end;
    const bool is_long = text.size() > max_record_bytes_;
    if (is_long || (stream_ended_ && scan.is_open())) {
      fault_ = scan.is_open()
                   ? absl::StrCat("a quoted cell is not closed within ",
                                  is_long ? absl::StrCat(max_record_bytes_, " bytes") : "the file")
                   : absl::StrCat("longer than ", max_record_bytes_, " bytes");
      return kNoEnd;
    }
    if (stream_ended_) return text.size();
    RETURN_IF_ERROR(Fill());
  }
}

absl::StatusOr<size_t> RecordReader::FindRecordEnd() {
  fault_.clear();
  if (framing_ == Framing::kLines) return FindLineEnd();
  // Mostly a record is a line without any quote; then memchr finds its end.
  const std::string_view text = Unread().substr(0, max_record_bytes_ + 1);
  const size_t end = FindByte(text, 0, '\n');
  if (end != kNoEnd && FindByte(text.substr(0, end), 0, '"') == kNoEnd) return end;
  return FindCsvEnd();
}

void RecordReader::Take(size_t size, Record& record) {
  const size_t line_end = size < end_ - begin_ ? 1 : 0;
  record.bytes = WithoutCarriageReturn(Unread().substr(0, size));
  record.position = position_;
  record.fault = fault_;
  record.is_cut = false;
  Consume(size + line_end);
  record.end = position_;
}

absl::StatusOr<bool> RecordReader::TakeFaultyLine(Record& record) {
  const size_t end = FindByte(Unread().substr(0, max_record_bytes_ + 1), 0, '\n');
  if (end != kNoEnd || Unread().size() <= max_record_bytes_) {
    Take(std::min(end, Unread().size()), record);
    return true;
  }
  const uint64_t position = position_;
  kept_ = Unread().substr(0, std::min(kKeptBytes, max_record_bytes_));
  size_t line_end = kNoEnd;
  while ((line_end = FindByte(Unread(), 0, '\n')) == kNoEnd) {
    Consume(Unread().size());
    RETURN_IF_ERROR(Fill());
    if (stream_ended_) break;
  }
  if (line_end != kNoEnd) Consume(line_end + 1);
  record = {kept_, position, position_, fault_, true};
  return true;
}

absl::StatusOr<bool> RecordReader::Next(Record& record) {
  while (true) {
    if (begin_ == end_) {
      RETURN_IF_ERROR(Fill());
      if (begin_ == end_) return false;
    }
    ASSIGN_OR_RETURN(const size_t size, FindRecordEnd());
    if (size == kNoEnd) return TakeFaultyLine(record);
    Take(size, record);
    const char* blanks = framing_ == Framing::kLines ? " \t\r" : "\r";
    const bool is_blank = record.bytes.find_first_not_of(blanks) == std::string_view::npos;
    if (!is_blank || (keeps_empty_lines_ && record.bytes.empty())) return true;
  }
}

}  // namespace streamml::connectors::internal
