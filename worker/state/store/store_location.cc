#include "worker/state/store/store_location.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "base/status.h"

namespace streamml::state {
namespace {

constexpr std::string_view kScheme = "s3://";
constexpr uint64_t kMaxCredentialsBytes = 1 << 20;

using Settings = std::map<std::string, std::string>;

absl::Status Mistake(std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("store '", text, "': ", what));
}

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

absl::StatusOr<Settings> ParseQuery(std::string_view text, std::string_view query) {
  Settings settings;
  if (query.empty()) return settings;
  for (const absl::string_view part : absl::StrSplit(Absl(query), '&')) {
    const std::vector<std::string> pair = absl::StrSplit(part, absl::MaxSplits('=', 1));
    const std::string& name = pair[0];
    if (name != "endpoint" && name != "region" && name != "style" && name != "ca") {
      return Mistake(text, absl::StrCat("'", name, "' is none of endpoint, region, style, ca"));
    }
    if (pair.size() != 2 || pair[1].empty()) {
      return Mistake(text, absl::StrCat("'", name, "' has no value"));
    }
    settings[name] = pair[1];
  }
  return settings;
}

// The first of the variables that has a value.
std::string FirstOf(const EnvironmentFunction& environment,
                    std::initializer_list<const char*> names) {
  for (const char* name : names) {
    std::optional<std::string> value = environment(name);
    if (value.has_value() && !value->empty()) return *std::move(value);
  }
  return "";
}

absl::StatusOr<S3Options::Addressing> StyleOf(std::string_view text, const std::string& style,
                                              bool is_path_better) {
  if (style == "path") return S3Options::Addressing::kPath;
  if (style == "virtual") return S3Options::Addressing::kVirtualHost;
  if (!style.empty()) return Mistake(text, "style is path or virtual");
  return is_path_better ? S3Options::Addressing::kPath : S3Options::Addressing::kVirtualHost;
}

absl::StatusOr<S3Options> ParseBucket(std::string_view text,
                                      const EnvironmentFunction& environment) {
  const size_t question = text.find('?');
  const std::string_view address = text.substr(0, question);
  const std::string_view query =
      question == std::string_view::npos ? std::string_view() : text.substr(question + 1);
  ASSIGN_OR_RETURN(Settings settings, ParseQuery(text, query));
  S3Options options;
  const std::string_view path = address.substr(kScheme.size());
  const size_t slash = path.find('/');
  options.bucket = path.substr(0, slash);
  if (options.bucket.empty()) return Mistake(text, "there is no bucket behind s3://");
  if (slash != std::string_view::npos) options.prefix = path.substr(slash + 1);
  while (options.prefix.ends_with('/')) options.prefix.pop_back();
  if (!options.prefix.empty()) {
    if (!CheckObjectKey(options.prefix).ok()) {
      return Mistake(text, absl::StrCat("'", options.prefix, "' cannot be the begin of a key: ",
                                        "names of letters, digits, '.', '_', '-' and '=' with '/' ",
                                        "between can"));
    }
    options.prefix.push_back('/');
  }
  options.region = settings["region"];
  if (options.region.empty()) {
    options.region = FirstOf(environment, {"AWS_REGION", "AWS_DEFAULT_REGION"});
  }
  if (options.region.empty()) options.region = "us-east-1";
  options.endpoint = settings["endpoint"];
  if (options.endpoint.empty()) {
    options.endpoint = FirstOf(environment, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  }
  const bool is_own = !options.endpoint.empty();
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  if (!is_own) options.endpoint = absl::StrCat("https://s3.", options.region, ".amazonaws.com");
  const bool has_dot = options.bucket.find('.') != std::string::npos;
  ASSIGN_OR_RETURN(options.addressing, StyleOf(text, settings["style"], is_own || has_dot));
  options.ca_file = settings["ca"];
  if (options.ca_file.empty()) options.ca_file = FirstOf(environment, {"AWS_CA_BUNDLE"});
  return options;
}

}  // namespace

absl::StatusOr<StoreLocation> ParseStoreLocation(std::string_view text,
                                                 const EnvironmentFunction& environment) {
  StoreLocation location;
  if (text.starts_with(kScheme)) {
    ASSIGN_OR_RETURN(location.s3, ParseBucket(text, environment));
    // What its options cannot be is said here, too, before anything runs.
    S3Options checked = location.s3;
    checked.credentials = [] { return S3Credentials(); };
    const absl::Status status = MakeS3Store(std::move(checked), SystemClock()).status();
    return status.ok() ? absl::StatusOr<StoreLocation>(std::move(location))
                       : Mistake(text, std::string(status.message()));
  }
  if (text.empty() || text.find("://") != std::string_view::npos) {
    return Mistake(text, "expected the path of a folder, or s3://bucket/prefix");
  }
  location.folder = text;
  while (location.folder.size() > 1 && location.folder.ends_with('/')) location.folder.pop_back();
  return location;
}

absl::StatusOr<S3Credentials> ParseCredentials(std::string_view text) {
  S3Credentials credentials;
  bool is_ours = true;
  for (const absl::string_view raw : absl::StrSplit(Absl(text), '\n')) {
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      is_ours = line == "[default]";
      continue;
    }
    const std::vector<absl::string_view> pair = absl::StrSplit(line, absl::MaxSplits('=', 1));
    if (!is_ours || pair.size() != 2) continue;
    const std::string name = absl::AsciiStrToLower(absl::StripAsciiWhitespace(pair[0]));
    std::string value(absl::StripAsciiWhitespace(pair[1]));
    if (name == "aws_access_key_id")
      credentials.access_key_id = std::move(value);
    else if (name == "aws_secret_access_key")
      credentials.secret_access_key = std::move(value);
    else if (name == "aws_session_token")
      credentials.session_token = std::move(value);
  }
  if (!credentials.access_key_id.empty() && !credentials.secret_access_key.empty()) {
    return credentials;
  }
  return absl::InvalidArgumentError(
      "the credentials of the store do not have the lines aws_access_key_id = ... and "
      "aws_secret_access_key = ..., of the section [default] if there are sections");
}

absl::StatusOr<S3Credentials> CredentialsOfEnvironment(Disk& disk,
                                                       const EnvironmentFunction& environment) {
  S3Credentials credentials{FirstOf(environment, {"AWS_ACCESS_KEY_ID"}),
                            FirstOf(environment, {"AWS_SECRET_ACCESS_KEY"}),
                            FirstOf(environment, {"AWS_SESSION_TOKEN"})};
  if (!credentials.access_key_id.empty() && !credentials.secret_access_key.empty()) {
    return credentials;
  }
  const std::string path = FirstOf(environment, {"AWS_SHARED_CREDENTIALS_FILE"});
  if (path.empty()) {
    return absl::InvalidArgumentError(
        "there are no credentials for the store: give spec.snapshots.credentialsFrom, or the "
        "environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "AWS_SHARED_CREDENTIALS_FILE");
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<ReadFile> file, disk.OpenForRead(path));
  std::string text;
  RETURN_IF_ERROR(file->ReadAt(0, kMaxCredentialsBytes, text));
  return ParseCredentials(text);
}

}  // namespace streamml::state
