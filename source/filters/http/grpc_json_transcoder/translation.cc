// The fields of a path and query go first: what a body says comes later and holds.
#include "source/filters/http/grpc_json_transcoder/translation.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/http/chars.h"
#include "source/http/percent.h"
#include "source/json/parse.h"
#include "source/rpc/frame.h"
#include "source/rpc/wire.h"

namespace proxenos::filters::grpc_json_transcoder {
namespace {

namespace pb = google::protobuf;

// A query may hold more only to no purpose.
constexpr size_t kMaxBindings = 256;

bool IsHttpBody(const pb::Descriptor& type) { return type.full_name() == "google.api.HttpBody"; }

// False: a parameter that stands for no field.
bool BindQuery(const Settings& settings, absl::string_view query, Matched& matched) {
  const http::Plus plus = settings.plus_is_space ? http::Plus::kIsSpace : http::Plus::kStays;
  for (const absl::string_view pair : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const size_t equals = pair.find('=');
    // As in Envoy, a word alone says nothing, nor does a value of nothing.
    if (equals == 0 || equals == absl::string_view::npos) continue;
    const std::string name = http::PercentDecoded(pair.substr(0, equals), plus);
    if (settings.ignored_parameters.count(name) > 0) continue;
    const std::vector<std::string> names = absl::StrSplit(name, '.');
    auto field = FindField(*matched.rule->method->request, names);
    if (!field.ok() && settings.ignores_unknown_parameters) continue;
    if (field.ok() && matched.bindings.size() == kMaxBindings) {
      field = absl::InvalidArgumentError("too many parameters");
    }
    if (!field.ok()) {
      matched.outcome = Matched::Outcome::kBadQuery;
      matched.error = std::string(field.status().message());
      return false;
    }
    matched.bindings.push_back(
        {*std::move(field), http::PercentDecoded(pair.substr(equals + 1), plus)});
  }
  return true;
}

struct Body {
  absl::string_view content_type;
  absl::string_view bytes;
};

constexpr absl::string_view kNoMessage = "expected a message";

// As bytes: the descriptors may say of HttpBody what they like.
absl::Status SetHttpBody(pb::Message& to, const Body& body) {
  std::string bytes;
  rpc::WireWriter out(bytes);
  if (!body.content_type.empty()) out.Text(1, body.content_type);
  if (!body.bytes.empty()) out.Text(2, body.bytes);
  return to.ParseFromString(bytes) ? absl::OkStatus() : absl::InvalidArgumentError(kNoMessage);
}

// Where the body goes: the field of the rule, a new element of it, or the message itself.
pb::Message& PlaceOfBody(const Rule& rule, pb::Message& message) {
  if (rule.body == nullptr) return message;
  const pb::Reflection& reflection = *message.GetReflection();
  return rule.body->is_repeated() ? *reflection.AddMessage(&message, rule.body)
                                  : *reflection.MutableMessage(&message, rule.body);
}

// A field that is no message by itself: the body is put where it would stand. As JSON it must be
// whole, or it could say other fields.
absl::Status ReadField(const Settings& settings, const Rule& rule, absl::string_view body,
                       pb::Message& message) {
  if (!json::Parse(body).has_value()) return absl::InvalidArgumentError("expected JSON");
  const auto bytes = settings.types->FromJson(
      *rule.method->request,
      absl::StrCat("{\"", std::string(rule.body->json_name()), "\":", body, "}"),
      settings.any_case_enums);
  if (!bytes.ok()) return bytes.status();
  return message.ParseFromString(*bytes) ? absl::OkStatus()
                                         : absl::InvalidArgumentError(kNoMessage);
}

// What a body says, in a message of the request's type.
absl::Status ReadBody(const Settings& settings, const Rule& rule, const Body& given,
                      pb::Message& message) {
  const absl::string_view body = given.bytes;
  if (!rule.has_body) return absl::OkStatus();
  const pb::Descriptor* const of =
      rule.body == nullptr ? rule.method->request : rule.body->message_type();
  if (of != nullptr && IsHttpBody(*of)) return SetHttpBody(PlaceOfBody(rule, message), given);
  if (absl::StripAsciiWhitespace(body).empty()) return absl::OkStatus();
  if (rule.body != nullptr && (of == nullptr || rule.body->is_repeated())) {
    return ReadField(settings, rule, body, message);
  }
  const auto bytes = settings.types->FromJson(*of, body, settings.any_case_enums);
  if (!bytes.ok()) return bytes.status();
  return PlaceOfBody(rule, message).ParseFromString(*bytes)
             ? absl::OkStatus()
             : absl::InvalidArgumentError(kNoMessage);
}

void AppendFrame(const pb::Message& message, std::string& out) {
  buffer::Buffer header;
  const std::string bytes = message.SerializeAsString();
  rpc::AppendFrameHeader(0, static_cast<uint32_t>(bytes.size()), header);
  absl::StrAppend(&out, header.ToString(), bytes);
}

// One message: of the bindings, where they are given, and of the body.
absl::Status AppendMessage(const Settings& settings, const Matched& matched, bool with_bindings,
                           const Body& body, std::string& out) {
  const Rule& rule = *matched.rule;
  const pb::Message& prototype = settings.types->PrototypeOf(*rule.method->request);
  const std::unique_ptr<pb::Message> message(prototype.New());
  const std::unique_ptr<pb::Message> said(prototype.New());
  for (const Binding& binding : matched.bindings) {
    if (!with_bindings) break;
    const absl::Status set =
        SetField(binding.field, binding.text, settings.any_case_enums, *settings.types, *message);
    if (!set.ok()) return set;
  }
  const absl::Status read = ReadBody(settings, rule, body, *said);
  if (!read.ok()) return read;
  for (const Binding& binding : matched.bindings) {
    if (with_bindings && settings.rejects_collisions && Differs(binding.field, *message, *said)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the body and the path or query say different things of \"",
                       std::string(binding.field.back()->name()), "\""));
    }
  }
  message->MergeFrom(*said);
  AppendFrame(*message, out);
  return absl::OkStatus();
}

// The type goes into the response's head: what a field value can not hold would be another field,
// or another response.
absl::StatusOr<Shown> ShowHttpBody(absl::string_view message) {
  Shown shown;
  shown.content_type = "application/octet-stream";
  rpc::WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() == 1 && !reader.bytes().empty()) {
      shown.content_type = std::string(reader.bytes());
    }
    if (reader.field() == 2) shown.bytes = std::string(reader.bytes());
  }
  if (!reader.ok()) return absl::InvalidArgumentError("not a message of the method's type");
  if (!std::all_of(shown.content_type.begin(), shown.content_type.end(), http::IsValueChar)) {
    return absl::InvalidArgumentError("the content type can not stand in a head");
  }
  return shown;
}

}  // namespace

Matched FindRule(const Settings& settings, absl::string_view method, absl::string_view path) {
  Matched matched;
  const size_t query = path.find('?');
  const auto found = settings.table.Find(method, path.substr(0, query));
  if (!found.has_value()) return matched;
  matched.rule = &settings.rules[found->rule];
  matched.outcome = Matched::Outcome::kFound;
  if (query != absl::string_view::npos && !BindQuery(settings, path.substr(query + 1), matched)) {
    return matched;
  }
  // Behind those of the query: what the path says holds.
  for (size_t i = 0; i < matched.rule->variables.size(); ++i) {
    matched.bindings.push_back(
        {matched.rule->variables[i],
         ValueOf(matched.rule->path.variables[i], found->segments, settings.unescape)});
  }
  return matched;
}

absl::StatusOr<std::string> ToFrames(const Settings& settings, const Matched& matched,
                                     absl::string_view content_type, absl::string_view body) {
  std::string frames;
  if (!matched.rule->method->request_streams || !matched.rule->has_body ||
      absl::StripAsciiWhitespace(body).empty()) {
    const absl::Status made = AppendMessage(settings, matched, true, {content_type, body}, frames);
    if (!made.ok()) return made;
    return frames;
  }
  const auto elements = SplitArray(body);
  if (!elements.ok()) return elements.status();
  bool first = true;
  for (const absl::string_view element : *elements) {
    const absl::Status made = AppendMessage(settings, matched, std::exchange(first, false),
                                            {content_type, element}, frames);
    if (!made.ok()) return made;
  }
  return frames;
}

bool ShowsHttpBodies(const Rule& rule) {
  return IsHttpBody(rule.response == nullptr ? *rule.method->response
                                             : *rule.response->message_type());
}

absl::StatusOr<Shown> ToShown(const Settings& settings, const Rule& rule,
                              absl::string_view message) {
  // The library takes a broken end for the end.
  rpc::WireReader fields(message);
  while (fields.Next()) {
  }
  if (!fields.ok()) return absl::InvalidArgumentError("not a message of the method's type");
  const pb::Descriptor* type = rule.method->response;
  std::string inner;
  if (rule.response != nullptr) {
    const std::unique_ptr<pb::Message> whole(settings.types->PrototypeOf(*type).New());
    if (!whole->ParseFromArray(message.data(), static_cast<int>(message.size()))) {
      return absl::InvalidArgumentError("not a message of the method's type");
    }
    inner = whole->GetReflection()->GetMessage(*whole, rule.response).SerializeAsString();
    message = inner;
    type = rule.response->message_type();
  }
  if (IsHttpBody(*type)) return ShowHttpBody(message);
  auto json = settings.types->ToJson(*type, message, settings.print,
                                     settings.max_response_bytes * Settings::kMaxGrowth);
  if (!json.ok()) return json.status();
  Shown shown;
  shown.bytes = *std::move(json);
  return shown;
}

std::string StatusToJson(const Settings& settings, uint32_t code, absl::string_view message,
                         absl::string_view details) {
  const pb::Descriptor* const type =
      settings.types->pool().FindMessageTypeByName("google.rpc.Status");
  const size_t limit = size_t{settings.max_response_bytes} * Settings::kMaxGrowth;
  if (!details.empty()) {
    auto json = settings.types->ToJson(*type, details, settings.print, limit);
    if (json.ok()) return *std::move(json);
  }
  std::string bytes;
  rpc::WireWriter out(bytes);
  out.Number(1, code);
  if (!message.empty()) out.Text(2, message);
  return settings.types->ToJson(*type, bytes, settings.print, limit).value_or("{}");
}

}  // namespace proxenos::filters::grpc_json_transcoder
