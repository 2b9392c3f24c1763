#include "worker/data/column.h"

#include "absl/log/check.h"

namespace streamml::data {

void Column::Reserve(size_t rows) {
  marks_.reserve(rows);
  switch (type_) {
    case Type::kBoolean:
      booleans_.reserve(rows);
      break;
    case Type::kBigint:
    case Type::kTimestamp:
      integers_.reserve(rows);
      break;
    case Type::kDouble:
      doubles_.reserve(rows);
      break;
    case Type::kText:
      ends_.reserve(rows);
      break;
  }
}

void Column::AppendFrom(const Column& other, size_t row) {
  marks_.push_back(other.marks_[row]);
  switch (type_) {
    case Type::kBoolean:
      booleans_.push_back(other.booleans_[row]);
      break;
    case Type::kBigint:
    case Type::kTimestamp:
      integers_.push_back(other.integers_[row]);
      break;
    case Type::kDouble:
      doubles_.push_back(other.doubles_[row]);
      break;
    case Type::kText:
      chars_.append(other.Text(row));
      ends_.push_back(chars_.size());
      break;
  }
}

double Column::AsDouble(size_t row) const {
  switch (type_) {
    case Type::kBoolean:
      return booleans_[row];
    case Type::kBigint:
    case Type::kTimestamp:
      return static_cast<double>(integers_[row]);
    case Type::kDouble:
      return doubles_[row];
    case Type::kText:
      break;
  }
  CHECK(false) << "a text value has no number";
}

void Column::AppendEmpty(Mark mark) {
  marks_.push_back(mark);
  switch (type_) {
    case Type::kBoolean:
      booleans_.push_back(0);
      break;
    case Type::kBigint:
    case Type::kTimestamp:
      integers_.push_back(0);
      break;
    case Type::kDouble:
      doubles_.push_back(0);
      break;
    case Type::kText:
      ends_.push_back(chars_.size());
      break;
  }
}

}  // namespace streamml::data
