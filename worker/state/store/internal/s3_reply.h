// What the bodies of S3's replies say: the few values we need of their XML, and errors.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "worker/state/store/internal/http.h"

namespace streamml::state {

// The texts of all elements <name>, without those inside of another of that name, in order. Not a
// parser: elements with attributes and comments do not stand in what S3 sends here.
std::vector<std::string> XmlTexts(std::string_view xml, std::string_view name);
// The first of them.
std::optional<std::string> XmlText(std::string_view xml, std::string_view name);

// The error that a reply is; OK for status 2xx whose body is none. `secrets` never stand in it.
absl::Status ErrorOf(const HttpReply& reply, const S3Credentials& secrets);

// Letters, digits, '-', '.', '_', '~' as they are, all other bytes as %XX; `keep` too.
std::string PercentEncode(std::string_view text, std::string_view keep);

}  // namespace streamml::state
