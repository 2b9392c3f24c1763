// One column of a batch: typed values, each with a mark that says value, NULL or failed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/schema.h"

namespace streamml::data {

// kFailed marks a value whose computation failed (1/0, a bad cast). Strict functions pass it on as
// they pass on NULL; CASE and COALESCE drop it with the branch that was not taken; a row that still
// holds one when it leaves a projection or filter goes to the dead-letter relation.
enum class Mark : uint8_t { kValue = 0, kNull = 1, kFailed = 2 };

// Append-only while it is built, then shared as shared_ptr<const Column>. Not thread-safe while
// built. Reading a value whose mark is not kValue gives zero, false or the empty text.
class Column {
 public:
  explicit Column(Type type) : type_(type) {}

  Type type() const { return type_; }
  size_t size() const { return marks_.size(); }
  void Reserve(size_t rows);

  void AppendNull() { AppendEmpty(Mark::kNull); }
  void AppendFailed() { AppendEmpty(Mark::kFailed); }
  void AppendBoolean(bool value) { Push(booleans_, static_cast<uint8_t>(value)); }
  // For kBigint and kTimestamp.
  void AppendInteger(int64_t value) { Push(integers_, value); }
  void AppendDouble(double value) { Push(doubles_, value); }
  void AppendText(std::string_view value) {
    chars_.append(value);
    ends_.push_back(chars_.size());
    marks_.push_back(Mark::kValue);
  }
  // Appends row `row` of `other`, which has the same type.
  void AppendFrom(const Column& other, size_t row);

  Mark mark(size_t row) const { return marks_[row]; }
  bool IsNull(size_t row) const { return marks_[row] == Mark::kNull; }
  bool HasValue(size_t row) const { return marks_[row] == Mark::kValue; }
  bool Boolean(size_t row) const { return booleans_[row] != 0; }
  int64_t Integer(size_t row) const { return integers_[row]; }
  double Double(size_t row) const { return doubles_[row]; }
  std::string_view Text(size_t row) const {
    const size_t begin = row == 0 ? 0 : ends_[row - 1];
    return std::string_view(chars_).substr(begin, ends_[row] - begin);
  }
  // A kBigint, kTimestamp, kDouble or kBoolean (0 or 1) value as a double. Not for kText.
  double AsDouble(size_t row) const;

  // Whole columns for vectorised loops; empty unless the type matches.
  const std::vector<Mark>& marks() const { return marks_; }
  const std::vector<int64_t>& integers() const { return integers_; }
  const std::vector<double>& doubles() const { return doubles_; }
  const std::vector<uint8_t>& booleans() const { return booleans_; }

 private:
  template <typename T>
  void Push(std::vector<T>& values, T value) {
    values.push_back(value);
    marks_.push_back(Mark::kValue);
  }
  void AppendEmpty(Mark mark);

  Type type_;
  std::vector<Mark> marks_;
  std::vector<uint8_t> booleans_;
  std::vector<int64_t> integers_;
  std::vector<double> doubles_;
  std::vector<size_t> ends_;  // end of each text in chars_
  std::string chars_;
};

}  // namespace streamml::data
