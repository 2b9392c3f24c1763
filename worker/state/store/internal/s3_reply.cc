#include "worker/state/store/internal/s3_reply.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "base/status.h"

namespace streamml::state {
namespace {

constexpr size_t kMaxMessage = 300;

absl::StatusCode CodeOf(int64_t status, std::string_view code) {
  // Said with several statuses, or with one that says something else.
  if (code == "NoSuchBucket" || code == "PermanentRedirect" || code == "InvalidBucketName" ||
      code == "AuthorizationHeaderMalformed") {
    return absl::StatusCode::kInvalidArgument;
  }
  if (code == "ExpiredToken" || code == "InvalidToken") return absl::StatusCode::kPermissionDenied;
  if (code == "RequestTimeout" || code == "BadDigest" || code == "IncompleteBody" ||
      code == "XAmzContentSHA256Mismatch" || code == "XAmzContentChecksumMismatch" ||
      code == "NoSuchUpload" || code == "InternalError" || code == "SlowDown") {
    return absl::StatusCode::kUnavailable;
  }
  switch (status) {
    case 401:
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 412:
      return absl::StatusCode::kAlreadyExists;
    case 501:
      return absl::StatusCode::kUnimplemented;
    case 507:
      return absl::StatusCode::kResourceExhausted;
    case 408:
    case 409:
    case 429:
      return absl::StatusCode::kUnavailable;
    default:
      return status >= 500 ? absl::StatusCode::kUnavailable : absl::StatusCode::kInvalidArgument;
  }
}

// A server may say anything, also what it was sent.
std::string Presentable(std::string text, const S3Credentials& secrets) {
  for (const std::string& secret : {secrets.secret_access_key, secrets.session_token}) {
    if (!secret.empty()) absl::StrReplaceAll({{secret, "..."}}, &text);
  }
  if (text.size() > kMaxMessage) text.resize(kMaxMessage);
  for (char& c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = ' ';
  }
  return text;
}

}  // namespace

std::vector<std::string> XmlTexts(std::string_view xml, std::string_view name) {
  const std::string begin = absl::StrCat("<", name, ">");
  const std::string end = absl::StrCat("</", name, ">");
  std::vector<std::string> texts;
  while (true) {
    const size_t at = xml.find(begin);
    if (at == std::string_view::npos) return texts;
    xml.remove_prefix(at + begin.size());
    const size_t length = xml.find(end);
    if (length == std::string_view::npos) return texts;
    const std::string_view text = xml.substr(0, length);
    texts.push_back(
        absl::StrReplaceAll(absl::string_view(text.data(), text.size()), {{"&lt;", "<"},
                                                                          {"&gt;", ">"},
                                                                          {"&quot;", "\""},
                                                                          {"&#34;", "\""},
                                                                          {"&apos;", "'"},
                                                                          {"&#39;", "'"},
                                                                          {"&amp;", "&"}}));
    xml.remove_prefix(length + end.size());
  }
}

std::optional<std::string> XmlText(std::string_view xml, std::string_view name) {
  std::vector<std::string> texts = XmlTexts(xml, name);
  if (texts.empty()) return std::nullopt;
  return std::move(texts.front());
}

absl::Status ErrorOf(const HttpReply& reply, const S3Credentials& secrets) {
  const bool is_error_body = reply.body.find("<Error>") != std::string::npos;
  if (reply.status / 100 == 2 && !is_error_body) return absl::OkStatus();
  const std::string code = XmlText(reply.body, "Code").value_or("");
  std::string message = absl::StrCat("status ", reply.status);
  if (!code.empty()) {
    absl::StrAppend(&message, ", ", Presentable(code, secrets), ": ",
                    Presentable(XmlText(reply.body, "Message").value_or(""), secrets));
  }
  const auto region = reply.headers.find("x-amz-bucket-region");
  if (region != reply.headers.end() && reply.status / 100 == 3) {
    absl::StrAppend(&message, "; the bucket is in region '", Presentable(region->second, secrets),
                    "'");
  }
  // An error in a reply of status 200 is one of a server that had begun to answer.
  const int64_t status = reply.status / 100 == 2 ? 500 : reply.status;
  return absl::Status(CodeOf(status, code), message);
}

std::string PercentEncode(std::string_view text, std::string_view keep) {
  std::string encoded;
  for (const char c : text) {
    const bool is_plain = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
                          c == '.' || c == '_' || c == '~' || keep.find(c) != keep.npos;
    if (is_plain) {
      encoded.push_back(c);
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace streamml::state
