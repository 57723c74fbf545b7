// Names are checked harder than the API's own rules do: what is added must not break the framing of
// a message, nor what the proxy decides itself.
#include "source/route/header_mutations_config.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace proxenos::route {
namespace {

using envoy::config::core::v3::HeaderValueOption;

bool IsToken(const std::string& name) {
  constexpr absl::string_view kMarks = "!#$%&'*+-.^_`|~";  // RFC 9110, section 5.6.2.
  constexpr size_t kMaxBytes = 16'384;                     // As HeaderValue.key says.
  return !name.empty() && name.size() <= kMaxBytes &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  kMarks.find(c) != absl::string_view::npos;
         });
}

// The lower-case name, or empty after an error.
std::string CheckedName(const std::string& configured, config::Errors& errors,
                        const config::Path& path) {
  static constexpr absl::string_view kOwn[] = {
      "connection", "content-length", "http2-settings",    "keep-alive", "proxy-connection",
      "te",         "trailer",        "transfer-encoding", "upgrade",
  };
  std::string name = absl::AsciiStrToLower(configured);
  if (name.empty() || name[0] == ':' || name == "host") {
    errors.AddValue(path, configured, "a header; :-prefixed or host headers may not be modified");
    return std::string();
  }
  if (!IsToken(name)) {
    errors.AddValue(path, configured, "a header name (RFC 9110 token)");
    return std::string();
  }
  if (std::find(std::begin(kOwn), std::end(kOwn), absl::string_view(name)) != std::end(kOwn)) {
    errors.AddValue(
        path, configured,
        "a header that is not the proxy's own: it belongs to the framing or the connection");
    return std::string();
  }
  return name;
}

AppendAction ActionOf(const HeaderValueOption& option, config::Errors& errors,
                      const config::Path& path) {
  if (option.has_append()) {
    if (option.append_action() != HeaderValueOption::APPEND_IF_EXISTS_OR_ADD) {
      errors.Add(path.Field("append"), "append and append_action may not both be set");
    }
    return option.append().value() ? AppendAction::kAppend : AppendAction::kOverwriteOrAdd;
  }
  switch (option.append_action()) {
    case HeaderValueOption::APPEND_IF_EXISTS_OR_ADD:
      return AppendAction::kAppend;
    case HeaderValueOption::ADD_IF_ABSENT:
      return AppendAction::kAddIfAbsent;
    case HeaderValueOption::OVERWRITE_IF_EXISTS_OR_ADD:
      return AppendAction::kOverwriteOrAdd;
    case HeaderValueOption::OVERWRITE_IF_EXISTS:
      return AppendAction::kOverwriteIfExists;
    default:
      errors.AddValue(path.Field("append_action"), absl::StrCat(option.append_action()),
                      "a known action");
      return AppendAction::kAppend;
  }
}

}  // namespace

bool ReadLiteral(const std::string& text, std::string* literal) {
  literal->clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 1 == text.size() || text[i + 1] != '%') return false;
      ++i;
    }
    literal->push_back(text[i]);
  }
  return true;
}

HeaderAddition CompileAddition(const HeaderValueOption& option, Compilation& compilation,
                               const config::Path& path) {
  const config::Path header_path = path.Field("header");
  HeaderAddition addition;
  addition.name =
      CheckedName(option.header().key(), compilation.errors(), header_path.Field("key"));
  addition.id = http::LookUpHeader(addition.name.data(), addition.name.size());
  addition.action = ActionOf(option, compilation.errors(), path);
  addition.keep_empty_value = option.keep_empty_value();
  const bool raw = !option.header().raw_value().empty();
  if (raw && !option.header().value().empty()) {
    compilation.errors().Add(header_path, "only one of value and raw_value may be set");
  }
  const std::string& value = raw ? option.header().raw_value() : option.header().value();
  const config::Path value_path = header_path.Field(raw ? "raw_value" : "value");
  if (value.find_first_of(std::string("\0\r\n", 3)) != std::string::npos) {
    compilation.errors().Add(value_path, "a header value may not hold NUL, CR or LF");
  }
  if (!ReadLiteral(value, &addition.value)) {
    addition.value.clear();
    addition.format_index = compilation.Format(value, value_path);
  }
  return addition;
}

HeaderRemoval CompileRemoval(const std::string& name, config::Errors& errors,
                             const config::Path& path) {
  HeaderRemoval removal;
  removal.name = CheckedName(name, errors, path);
  removal.id = http::LookUpHeader(removal.name.data(), removal.name.size());
  return removal;
}

HeaderMutations CompileHeaderMutations(const HeaderValueOptions& additions,
                                       const HeaderNames& removals, const std::string& direction,
                                       Compilation& compilation, const config::Path& path) {
  HeaderMutations mutations;
  if (additions.empty() && removals.empty()) return mutations;
  const config::Path add_path = path.Field(absl::StrCat(direction, "_headers_to_add"));
  mutations.additions.reserve(static_cast<size_t>(additions.size()));
  for (int i = 0; i < additions.size(); ++i) {
    mutations.additions.push_back(
        CompileAddition(additions[i], compilation, add_path.Index(static_cast<size_t>(i))));
  }
  const config::Path remove_path = path.Field(absl::StrCat(direction, "_headers_to_remove"));
  mutations.removals.reserve(static_cast<size_t>(removals.size()));
  for (int i = 0; i < removals.size(); ++i) {
    mutations.removals.push_back(CompileRemoval(removals[i], compilation.errors(),
                                                remove_path.Index(static_cast<size_t>(i))));
  }
  return mutations;
}

}  // namespace proxenos::route
