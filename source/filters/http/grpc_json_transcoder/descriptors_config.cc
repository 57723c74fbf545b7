// Files into a pool, and google.api.http of methods into rules.
#include "source/filters/http/grpc_json_transcoder/descriptors_config.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/api/annotations.pb.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/rpc/status.pb.h"

namespace proxenos::filters::grpc_json_transcoder {
namespace {

namespace pb = google::protobuf;

// Keeps the first thing that is wrong.
class FirstError final : public pb::DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string& file, const std::string& element, const pb::Message*,
                ErrorLocation, const std::string& message) override {
    if (text_.empty()) text_ = absl::StrCat(file, ": ", element, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// A file that the set imports and lacks: those of protobuf itself are known.
void AddKnownFile(const std::string& name, pb::DescriptorPool& pool) {
  if (pool.FindFileByName(name) != nullptr) return;
  const pb::FileDescriptor* const known =
      pb::DescriptorPool::generated_pool()->FindFileByName(name);
  if (known == nullptr) return;
  for (int i = 0; i < known->dependency_count(); ++i) {
    AddKnownFile(known->dependency(i)->name(), pool);
  }
  pb::FileDescriptorProto proto;
  known->CopyTo(&proto);
  pool.BuildFile(proto);
}

std::string MethodOf(const google::api::HttpRule& rule, std::string* path) {
  using R = google::api::HttpRule;
  switch (rule.pattern_case()) {
    case R::kGet:
      *path = rule.get();
      return "GET";
    case R::kPut:
      *path = rule.put();
      return "PUT";
    case R::kPost:
      *path = rule.post();
      return "POST";
    case R::kDelete:
      *path = rule.delete_();
      return "DELETE";
    case R::kPatch:
      *path = rule.patch();
      return "PATCH";
    case R::kCustom:
      *path = rule.custom().path();
      return rule.custom().kind();
    case R::PATTERN_NOT_SET:
      break;
  }
  return std::string();
}

absl::Status Wrong(const Method& method, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("the rule of ", method.path, ": ", what));
}

// body and response_body of a rule.
absl::Status FindBodies(const google::api::HttpRule& proto, Rule& rule) {
  const Method& method = *rule.method;
  rule.has_body = !proto.body().empty();
  if (rule.has_body && proto.body() != "*") {
    const auto field = FindField(*method.request, {proto.body()});
    if (!field.ok()) return Wrong(method, field.status().message());
    rule.body = field->back();
  }
  if (proto.response_body().empty()) return absl::OkStatus();
  const auto field = FindField(*method.response, {proto.response_body()});
  if (!field.ok()) return Wrong(method, field.status().message());
  rule.response = field->back();
  if (rule.response->is_repeated() || rule.response->message_type() == nullptr) {
    return Wrong(method, "expected a response_body that is one message");
  }
  return absl::OkStatus();
}

absl::Status AddRule(const google::api::HttpRule& proto, const Method& method, Settings& settings) {
  std::string text;
  const std::string verb = MethodOf(proto, &text);
  auto path = PathTemplate::Parse(text);
  if (!path.ok()) return Wrong(method, path.status().message());
  Rule rule;
  rule.method = &method;
  for (const PathTemplate::Variable& variable : path->variables) {
    auto field = FindField(*method.request, variable.field);
    if (!field.ok()) return Wrong(method, field.status().message());
    rule.variables.push_back(*std::move(field));
  }
  if (const absl::Status bodies = FindBodies(proto, rule); !bodies.ok()) return bodies;
  if (!settings.table.Add(*path, verb, static_cast<uint32_t>(settings.rules.size()))) {
    return Wrong(method, absl::StrCat("another one has the path ", text, " too"));
  }
  rule.path = *std::move(path);
  settings.rules.push_back(std::move(rule));
  return absl::OkStatus();
}

absl::Status AddRules(const pb::MethodDescriptor& proto, bool auto_mapping, const Method& method,
                      Settings& settings) {
  google::api::HttpRule rule;
  if (proto.options().HasExtension(google::api::http)) {
    rule = proto.options().GetExtension(google::api::http);
  } else if (!auto_mapping) {
    return absl::OkStatus();
  } else {
    rule.set_post(method.path);
    rule.set_body("*");
  }
  absl::Status added = AddRule(rule, method, settings);
  for (const google::api::HttpRule& more : rule.additional_bindings()) {
    if (added.ok()) added = AddRule(more, method, settings);
  }
  return added;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const MessageTypes>> CompileDescriptors(const std::string& bytes) {
  pb::FileDescriptorSet set;
  if (!set.ParseFromString(bytes)) {
    return absl::InvalidArgumentError("expected a serialized google.protobuf.FileDescriptorSet");
  }
  auto pool = std::make_unique<pb::DescriptorPool>();
  FirstError error;
  for (const pb::FileDescriptorProto& file : set.file()) {
    for (const std::string& import : file.dependency()) AddKnownFile(import, *pool);
    if (pool->FindFileByName(file.name()) != nullptr) continue;
    if (pool->BuildFileCollectingErrors(file, &error) == nullptr) {
      return absl::InvalidArgumentError(error.text());
    }
  }
  if (pool->FindMessageTypeByName("google.rpc.Status") == nullptr) {
    AddKnownFile(google::rpc::Status::descriptor()->file()->name(), *pool);
  }
  if (pool->FindMessageTypeByName("google.rpc.Status") == nullptr) {
    return absl::InvalidArgumentError("google/rpc/status.proto of the set has no Status");
  }
  return std::make_shared<const MessageTypes>(std::move(pool));
}

absl::Status AddService(const std::string& name, bool auto_mapping, Settings& settings) {
  const pb::ServiceDescriptor* const service = settings.types->pool().FindServiceByName(name);
  if (service == nullptr) return absl::NotFoundError("there is no such service in the descriptors");
  for (int i = 0; i < service->method_count(); ++i) {
    const pb::MethodDescriptor& proto = *service->method(i);
    auto method = std::make_unique<Method>();
    method->path = absl::StrCat("/", name, "/", std::string(proto.name()));
    method->request = proto.input_type();
    method->response = proto.output_type();
    method->request_streams = proto.client_streaming();
    method->response_streams = proto.server_streaming();
    settings.types->PrototypeOf(*method->request);  // Made now, not with the first request.
    settings.types->PrototypeOf(*method->response);
    const absl::Status added = AddRules(proto, auto_mapping, *method, settings);
    if (!added.ok()) return added;
    settings.methods.push_back(std::move(method));
  }
  return absl::OkStatus();
}

}  // namespace proxenos::filters::grpc_json_transcoder
