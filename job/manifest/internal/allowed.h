// What messages offer to people: what this build can do. What it cannot do yet is named apart.
#pragma once

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "proto/streamml/options.pb.h"

namespace streamml::manifest::internal {

// Names of all fields as in YAML, sorted.
std::vector<std::string> FieldNames(const google::protobuf::Descriptor& descriptor);

// "format, name": those of them that are built, or all if none is.
std::string AllowedFields(const google::protobuf::Descriptor& descriptor);

// "allowed are json, csv; not built yet: avro". The rule has words.
std::string AllowedWords(const Rule& rule);

// "exactly one of sql, from must be given; got none", for the names of a union's alternatives.
std::string ExactlyOneOf(const google::protobuf::Descriptor& descriptor,
                         const std::vector<std::string>& choices,
                         const std::vector<std::string>& given);

}  // namespace streamml::manifest::internal
