// The forms of texts that rules in the .proto ask for.
#pragma once

#include <string_view>

#include "google/protobuf/descriptor.h"
#include "proto/streamml/options.pb.h"

namespace streamml::manifest::internal {

bool HasForm(std::string_view text, Form form);

// What is allowed, for messages: "a duration such as 500ms, 30s, 1h30m or 7d".
std::string_view Describe(Form form);

// The rule of a field; an empty one if it has none.
const Rule& RuleOf(const google::protobuf::FieldDescriptor& field);

}  // namespace streamml::manifest::internal
