// Where the store of snapshots is, as a manifest says it, and what opens it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/disk.h"
#include "worker/state/store/object_store.h"
#include "worker/state/store/s3_store.h"

namespace streamml::state {

// A folder, or a bucket.
struct StoreLocation {
  std::string folder;  // empty: it is a bucket
  // But for credentials and functions.
  S3Options s3;
};

// The value of an environment variable, if there is one.
using EnvironmentFunction = std::function<std::optional<std::string>(const std::string& name)>;

// Reads "/a/folder" or "s3://bucket/prefix?endpoint=URL&region=NAME&style=path&ca=FILE", in which
// all behind the bucket may be left out. What is not said comes from AWS_ENDPOINT_URL_S3,
// AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION and AWS_CA_BUNDLE, as in Amazon's own programs;
// else it is Amazon's endpoint in us-east-1. style is path or virtual; the default is path with an
// endpoint of one's own and for a bucket with a dot in its name. INVALID_ARGUMENT says what is
// wrong.
absl::StatusOr<StoreLocation> ParseStoreLocation(std::string_view text,
                                                 const EnvironmentFunction& environment);

// Reads credentials in the form of Amazon's own file: lines "aws_access_key_id = ...",
// "aws_secret_access_key = ..." and maybe "aws_session_token = ...", of the section [default] where
// there are sections. INVALID_ARGUMENT, without any part of the text, when it is something else.
absl::StatusOr<S3Credentials> ParseCredentials(std::string_view text);

// From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, else from the file that
// AWS_SHARED_CREDENTIALS_FILE names. INVALID_ARGUMENT when there are none.
absl::StatusOr<S3Credentials> CredentialsOfEnvironment(Disk& disk,
                                                       const EnvironmentFunction& environment);

}  // namespace streamml::state
