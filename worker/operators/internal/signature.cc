#include "worker/operators/internal/signature.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"

namespace streamml::operators::internal {

namespace {

using data::Type;
using Types = std::vector<Type>;

bool All(const Types& types, Type type) {
  return std::all_of(types.begin(), types.end(), [type](Type each) { return each == type; });
}

bool SameNumbers(const Types& types, Type result) {
  return All(types, result) && (result == Type::kBigint || result == Type::kDouble);
}

bool IsSubstring(const Types& types, Type result) {
  return types[0] == Type::kText && result == Type::kText &&
         All(Types(types.begin() + 1, types.end()), Type::kBigint);
}

bool Fits(Signature signature, const Types& types, Type result) {
  const bool to_boolean = result == Type::kBoolean;
  switch (signature) {
    case Signature::kSameNumbers:
      return SameNumbers(types, result);
    case Signature::kDoubles:
      return All(types, Type::kDouble) && result == Type::kDouble;
    case Signature::kAddTime:
      return types[0] == Type::kTimestamp && types[1] == Type::kBigint &&
             result == Type::kTimestamp;
    case Signature::kComparison:
    case Signature::kMembership:
      return All(types, types[0]) && to_boolean;
    case Signature::kBooleans:
      return All(types, Type::kBoolean) && to_boolean;
    case Signature::kTest:
      return to_boolean;
    case Signature::kSameTypes:
      return All(types, result);
    case Signature::kTexts:
      return All(types, Type::kText) && result == Type::kText;
    case Signature::kTextsToBoolean:
      return All(types, Type::kText) && to_boolean;
    case Signature::kTextToBigint:
      return All(types, Type::kText) && result == Type::kBigint;
    case Signature::kSubstring:
      return IsSubstring(types, result);
    case Signature::kTimeToDouble:
      return types[0] == Type::kTimestamp && result == Type::kDouble;
    case Signature::kTimeToTime:
      return types[0] == Type::kTimestamp && result == Type::kTimestamp;
  }
  return false;
}

// extract takes all fields, date_trunc those at which time is cut.
bool FieldFits(const sql::Expression& call) {
  if (call.function != sql::Function::kDateTrunc) return true;
  return call.field != sql::TimeField::kDayOfWeek && call.field != sql::TimeField::kIsoDayOfWeek &&
         call.field != sql::TimeField::kDayOfYear && call.field != sql::TimeField::kEpoch;
}

}  // namespace

absl::Status CheckSignature(const KernelEntry& entry, const sql::Expression& call,
                            const std::vector<data::Type>& arguments) {
  if (arguments.size() < entry.min_arguments || arguments.size() > entry.max_arguments) {
    const std::string allowed =
        entry.max_arguments == kAnyNumber ? absl::StrCat(entry.min_arguments, " or more")
        : entry.max_arguments == entry.min_arguments
            ? absl::StrCat(entry.min_arguments)
            : absl::StrCat(entry.min_arguments, " to ", entry.max_arguments);
    return absl::InvalidArgumentError(
        absl::StrCat(entry.name, ": ", arguments.size(), " arguments, allowed ", allowed));
  }
  if (!Fits(entry.signature, arguments, call.type)) {
    const auto name = [](std::string* out, Type type) { out->append(data::TypeName(type)); };
    return absl::InvalidArgumentError(absl::StrCat(entry.name, ": no such function from ",
                                                   absl::StrJoin(arguments, ", ", name), " to ",
                                                   data::TypeName(call.type)));
  }
  if (!FieldFits(call)) {
    return absl::InvalidArgumentError(
        absl::StrCat(entry.name, ": the field is not one at which time can be cut"));
  }
  return absl::OkStatus();
}

}  // namespace streamml::operators::internal
