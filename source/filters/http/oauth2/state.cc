// Sealing and opening.
#include "source/filters/http/oauth2/state.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "source/filters/http/oauth2/sealing.h"
#include "source/json/parse.h"
#include "source/json/value.h"

namespace proxenos::filters::oauth2 {
namespace {

constexpr size_t kFlowIdBytes = 16;

// Lengths first: no two states have the same text.
std::string Mac(const State& state, absl::string_view secret) {
  return HmacBase64(secret, absl::StrCat("state ", state.url.size(), " ", state.flow_id.size(), " ",
                                         state.url, state.flow_id, state.csrf_token));
}

std::string CsrfToken(absl::string_view flow_id, absl::string_view secret) {
  return absl::StrCat(flow_id, ".", HmacBase64(secret, flow_id));
}

// As it becomes part of cookies' names.
bool IsFlowId(absl::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
}

}  // namespace

State MakeState(std::string url, absl::string_view secret) {
  State state{std::move(url), "", RandomText(kFlowIdBytes)};
  state.csrf_token = CsrfToken(state.flow_id, secret);
  return state;
}

std::string Seal(const State& state, absl::string_view secret) {
  json::Object object;
  object.emplace("url", json::Value(state.url));
  object.emplace("csrf_token", json::Value(state.csrf_token));
  object.emplace("flow_id", json::Value(state.flow_id));
  object.emplace("mac", json::Value(Mac(state, secret)));
  std::string text;
  json::AppendJson(object, text);
  return absl::WebSafeBase64Escape(text);
}

std::optional<State> Open(absl::string_view text, absl::string_view secret) {
  std::string bytes;
  if (text.size() > kMaxStateBytes || !absl::WebSafeBase64Unescape(text, &bytes)) {
    return std::nullopt;
  }
  const std::optional<json::Object> object = json::ParseObject(bytes);
  if (!object.has_value()) return std::nullopt;
  State state{std::string(json::FindText(*object, "url")),
              std::string(json::FindText(*object, "csrf_token")),
              std::string(json::FindText(*object, "flow_id"))};
  if (!SameText(json::FindText(*object, "mac"), Mac(state, secret))) return std::nullopt;
  if (!IsFlowId(state.flow_id)) return std::nullopt;
  if (!SameText(state.csrf_token, CsrfToken(state.flow_id, secret))) return std::nullopt;
  return state;
}

}  // namespace proxenos::filters::oauth2
