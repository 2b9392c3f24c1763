#include "worker/state/store/s3_store.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "base/status.h"
#include "worker/state/store/internal/s3_reply.h"
#include "worker/state/store/internal/s3_request.h"
#include "worker/state/store/internal/sha256.h"

namespace streamml::state {
namespace {

constexpr uint64_t kLeastPart = uint64_t{5} << 20;
constexpr uint64_t kMaxParts = 10'000;

// Of an object, or without `hash` of a part of one.
std::vector<std::string> ContentHeaders(std::string_view hash) {
  std::vector<std::string> headers;
  headers.emplace_back("Content-Type: application/octet-stream");
  if (!hash.empty()) headers.push_back(absl::StrCat("x-amz-meta-sha256: ", hash));
  return headers;
}

std::string Base64(std::string_view bytes) {
  return absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()));
}

HttpRequest WithBody(std::string method, std::string url, const std::vector<std::string>& headers,
                     std::string_view body) {
  return {std::move(method), std::move(url), headers, body, true, nullptr};
}

HttpRequest WithoutBody(std::string method, std::string url) {
  return {std::move(method), std::move(url), {}, {}, false, nullptr};
}

// Sleeps; for who has no better way.
bool Sleep(int64_t wait_us) {
  std::this_thread::sleep_for(std::chrono::microseconds(wait_us));
  return true;
}

class S3Store final : public ObjectStore {
 public:
  S3Store(S3Options options, Clock& clock)
      : options_(std::move(options)), requests_(options_, clock) {}

  absl::Status Put(const std::string& key, const ReadFile& body, PutMode mode) override {
    RETURN_IF_ERROR(CheckObjectKey(key));
    return Named(key, PutBody(key, body, mode));
  }
  absl::Status Get(const std::string& key, const ReceiveFunction& receive) override;
  absl::StatusOr<uint64_t> Size(const std::string& key) override;
  absl::StatusOr<ObjectPage> List(const std::string& folder, const std::string& from) override;
  absl::Status Delete(const std::string& key) override;

 private:
  // One content on its way to a key.
  struct Upload {
    const std::string& key;
    const ReadFile& body;
    uint64_t size = 0;
    std::string hash;  // hexadecimal
    bool if_new = false;
  };

  absl::Status Named(std::string_view key, const absl::Status& status) const {
    return Annotate(status, absl::StrCat("object '", requests_.NameOf(key), "'"));
  }
  absl::Status PutBody(const std::string& key, const ReadFile& body, PutMode mode);
  absl::Status PutOnce(const Upload& upload);
  absl::Status PutParts(const Upload& upload);
  absl::StatusOr<std::string> PutPart(const Upload& upload, const std::string& id, uint64_t number,
                                      uint64_t part_bytes);
  absl::Status Complete(const Upload& upload, const std::string& id, const std::string& parts);
  // Whether the object is there with this content; UNAVAILABLE and so on where it cannot be told.
  absl::StatusOr<bool> IsThere(const Upload& upload);

  const S3Options options_;
  S3Requests requests_;
};

absl::StatusOr<bool> S3Store::IsThere(const Upload& upload) {
  const auto reply =
      requests_.Send([&] { return WithoutBody("HEAD", requests_.UrlOf(upload.key, "")); });
  if (absl::IsNotFound(reply.status())) return false;
  RETURN_IF_ERROR(reply.status());
  const auto hash = reply->headers.find("x-amz-meta-sha256");
  if (hash != reply->headers.end() && hash->second == upload.hash) return true;
  return absl::AlreadyExistsError("is there with another content");
}

absl::Status S3Store::PutBody(const std::string& key, const ReadFile& body, PutMode mode) {
  Upload upload{key, body, 0, "", mode == PutMode::kIfNew};
  ASSIGN_OR_RETURN(upload.size, body.Size());
  ASSIGN_OR_RETURN(const Sha256Bytes hash, Sha256Of(body));
  upload.hash = ToHex(hash);
  const bool in_parts = upload.size > options_.part_bytes;
  if (in_parts && upload.if_new) {  // else it would be said after the last part
    ASSIGN_OR_RETURN(const bool is_there, IsThere(upload));
    if (is_there) return absl::OkStatus();
  }
  absl::Status status = in_parts ? PutParts(upload) : PutOnce(upload);
  if (upload.if_new && absl::IsUnimplemented(status)) {
    // A server that cannot do it: looking first is all there is.
    ASSIGN_OR_RETURN(const bool is_there, IsThere(upload));
    if (is_there) return absl::OkStatus();
    upload.if_new = false;
    status = in_parts ? PutParts(upload) : PutOnce(upload);
  }
  // Who asks again after a lost answer finds what it wrote itself.
  if (!absl::IsAlreadyExists(status)) return status;
  return IsThere(upload).status();
}

absl::Status S3Store::PutOnce(const Upload& upload) {
  std::string bytes;
  RETURN_IF_ERROR(upload.body.ReadAt(0, upload.size, bytes));
  std::vector<std::string> headers = ContentHeaders(upload.hash);
  headers.push_back(absl::StrCat("x-amz-checksum-sha256: ", Base64(Sha256Of(bytes))));
  if (upload.if_new) headers.emplace_back("If-None-Match: *");
  return requests_
      .Send([&] { return WithBody("PUT", requests_.UrlOf(upload.key, ""), headers, bytes); })
      .status();
}

absl::StatusOr<std::string> S3Store::PutPart(const Upload& upload, const std::string& id,
                                             uint64_t number, uint64_t part_bytes) {
  std::string bytes;
  RETURN_IF_ERROR(upload.body.ReadAt((number - 1) * part_bytes, part_bytes, bytes));
  const std::string url = requests_.UrlOf(
      upload.key, absl::StrCat("?partNumber=", number, "&uploadId=", PercentEncode(id, "")));
  const std::vector<std::string> headers = ContentHeaders("");
  ASSIGN_OR_RETURN(const HttpReply reply,
                   requests_.Send([&] { return WithBody("PUT", url, headers, bytes); }));
  const auto tag = reply.headers.find("etag");
  if (tag != reply.headers.end()) return tag->second;
  return absl::UnavailableError("the reply to a part has no ETag");
}

absl::Status S3Store::Complete(const Upload& upload, const std::string& id,
                               const std::string& parts) {
  const std::string body =
      absl::StrCat("<CompleteMultipartUpload>", parts, "</CompleteMultipartUpload>");
  std::vector<std::string> headers;
  headers.emplace_back("Content-Type: application/xml");
  if (upload.if_new) headers.emplace_back("If-None-Match: *");
  const std::string url =
      requests_.UrlOf(upload.key, absl::StrCat("?uploadId=", PercentEncode(id, "")));
  absl::Status status =
      requests_.Send([&] { return WithBody("POST", url, headers, body); }).status();
  if (status.ok() || absl::IsCancelled(status)) return status;
  // The first request may have done it and its answer be lost.
  const absl::StatusOr<bool> is_there = IsThere(upload);
  return is_there.ok() && *is_there ? absl::OkStatus() : status;
}

absl::Status S3Store::PutParts(const Upload& upload) {
  const uint64_t part_bytes =
      std::max(options_.part_bytes, (upload.size + kMaxParts - 1) / kMaxParts);
  const std::vector<std::string> headers = ContentHeaders(upload.hash);
  ASSIGN_OR_RETURN(const HttpReply begun, requests_.Send([&] {
    return WithBody("POST", requests_.UrlOf(upload.key, "?uploads="), headers, "");
  }));
  const std::string id = XmlText(begun.body, "UploadId").value_or("");
  if (id.empty()) return absl::UnavailableError("the reply to a multipart upload has no UploadId");
  if (id.find('+') != std::string::npos) {  // Amazon's has none
    return absl::FailedPreconditionError("an UploadId with a '+' cannot be signed by libcurl");
  }
  std::string parts;
  absl::Status status;
  for (uint64_t number = 1; status.ok() && (number - 1) * part_bytes < upload.size; ++number) {
    const absl::StatusOr<std::string> tag = PutPart(upload, id, number, part_bytes);
    status = tag.status();
    if (status.ok()) {
      absl::StrAppend(&parts, "<Part><PartNumber>", number, "</PartNumber><ETag>", *tag,
                      "</ETag></Part>");
    }
  }
  if (status.ok()) status = Complete(upload, id, parts);
  if (status.ok()) return status;
  // Once: where that fails too, the lifecycle rule of the bucket is what is left.
  const std::string query = absl::StrCat("?uploadId=", PercentEncode(id, ""));
  requests_.SendOnce(WithoutBody("DELETE", requests_.UrlOf(upload.key, query))).IgnoreError();
  return status;
}

absl::Status S3Store::Get(const std::string& key, const ReceiveFunction& receive) {
  RETURN_IF_ERROR(CheckObjectKey(key));
  Sha256 hash;
  uint64_t received = 0;
  uint64_t skip = 0;  // bytes of this reply that an earlier one brought
  absl::Status refused;
  const auto take = [&](int64_t status, std::string_view piece) {
    if (status == 200 && skip > 0) {  // a server that knows no ranges
      const size_t known = std::min<uint64_t>(skip, piece.size());
      skip -= known;
      piece.remove_prefix(known);
    }
    hash.Add(piece);
    received += piece.size();
    if (!piece.empty()) refused = receive(piece);
    // Not UNAVAILABLE: what the receiver says is no reason to ask again.
    return refused.ok() ? absl::OkStatus() : absl::AbortedError("the receiver refused");
  };
  const auto reply = requests_.Send([&] {
    skip = received;
    HttpRequest request = WithoutBody("GET", requests_.UrlOf(key, ""));
    request.receive = take;
    if (received > 0) request.headers.push_back(absl::StrCat("Range: bytes=", received, "-"));
    return request;
  });
  RETURN_IF_ERROR(refused);
  RETURN_IF_ERROR(Named(key, reply.status()));
  const auto stored = reply->headers.find("x-amz-meta-sha256");
  if (stored == reply->headers.end() || stored->second == ToHex(hash.Finish())) {
    return absl::OkStatus();
  }
  return Named(key, absl::DataLossError("the content does not have the stored SHA-256"));
}

absl::StatusOr<uint64_t> S3Store::Size(const std::string& key) {
  RETURN_IF_ERROR(CheckObjectKey(key));
  const auto reply = requests_.Send([&] { return WithoutBody("HEAD", requests_.UrlOf(key, "")); });
  RETURN_IF_ERROR(Named(key, reply.status()));
  uint64_t size = 0;
  const auto length = reply->headers.find("content-length");
  if (length == reply->headers.end() || !absl::SimpleAtoi(length->second, &size)) {
    return Named(key, absl::UnavailableError("the reply has no Content-Length"));
  }
  return size;
}

absl::StatusOr<ObjectPage> S3Store::List(const std::string& folder, const std::string& from) {
  if (!folder.ends_with('/')) {
    return absl::InvalidArgumentError(absl::StrCat("'", folder, "' does not end in '/'"));
  }
  std::string query = absl::StrCat("?delimiter=%2F&list-type=2&prefix=",
                                   PercentEncode(requests_.FullKey(folder), ""));
  // Not the server's token, which may have a '+': libcurl signs that as if it were a space (8.14).
  if (!from.empty()) {
    absl::StrAppend(&query, "&start-after=", PercentEncode(requests_.FullKey(from), ""));
  }
  const auto reply = requests_.Send([&] { return WithoutBody("GET", requests_.UrlOf("", query)); });
  RETURN_IF_ERROR(
      Annotate(reply.status(), absl::StrCat("list of '", requests_.NameOf(folder), "'")));
  ObjectPage page;
  for (const std::string& key : XmlTexts(reply->body, "Key")) {
    if (key.starts_with(options_.prefix)) page.keys.push_back(key.substr(options_.prefix.size()));
  }
  if (XmlText(reply->body, "IsTruncated") != "true") return page;
  if (page.keys.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("list of '", requests_.NameOf(folder), "': there are folders, not objects"));
  }
  page.next = page.keys.back();
  return page;
}

absl::Status S3Store::Delete(const std::string& key) {
  RETURN_IF_ERROR(CheckObjectKey(key));
  const auto reply =
      requests_.Send([&] { return WithoutBody("DELETE", requests_.UrlOf(key, "")); });
  return absl::IsNotFound(reply.status()) ? absl::OkStatus() : Named(key, reply.status());
}

absl::Status CheckOptions(const S3Options& options) {
  const std::string& endpoint = options.endpoint;
  const bool has_scheme = endpoint.starts_with("http://") || endpoint.starts_with("https://");
  if (!has_scheme || endpoint.ends_with('/') || endpoint.find('@') != std::string::npos ||
      std::count(endpoint.begin(), endpoint.end(), '/') != 2) {
    return absl::InvalidArgumentError(
        "the endpoint of the store is not http:// or https://, a host and maybe a port");
  }
  const auto is_plain = [](std::string_view text) {
    return !text.empty() && PercentEncode(text, "") == text;
  };
  if (!is_plain(options.bucket)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", options.bucket, "' cannot be the name of a bucket"));
  }
  if (!is_plain(options.region)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", options.region, "' cannot be the name of a region"));
  }
  if (options.part_bytes < kLeastPart) {
    return absl::InvalidArgumentError(
        absl::StrCat("parts of ", options.part_bytes, " bytes; at least ", kLeastPart));
  }
  if (options.prefix.empty()) return absl::OkStatus();
  if (!options.prefix.ends_with('/')) {
    return absl::InvalidArgumentError(
        absl::StrCat("the prefix '", options.prefix, "' does not end in '/'"));
  }
  return CheckObjectKey(options.prefix.substr(0, options.prefix.size() - 1));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ObjectStore>> MakeS3Store(S3Options options, Clock& clock) {
  RETURN_IF_ERROR(CheckOptions(options));
  if (!options.wait) options.wait = Sleep;
  return std::make_unique<S3Store>(std::move(options), clock);
}

}  // namespace streamml::state
