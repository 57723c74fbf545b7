// What a transcoder is configured to do, compiled: the methods of its services and the rules by
// which requests in JSON become calls of them.
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/filters/http/grpc_json_transcoder/messages.h"
#include "source/filters/http/grpc_json_transcoder/path_template.h"
#include "source/filters/http/grpc_json_transcoder/rule_table.h"

namespace proxenos::filters::grpc_json_transcoder {

struct Method {
  std::string path;  // "/package.Service/Method"
  const google::protobuf::Descriptor* request = nullptr;
  const google::protobuf::Descriptor* response = nullptr;
  bool request_streams = false;
  bool response_streams = false;
};

// google.api.HttpRule
struct Rule {
  const Method* method = nullptr;
  PathTemplate path;
  std::vector<FieldPath> variables;  // As those of the path.
  bool has_body = false;
  const google::protobuf::FieldDescriptor* body = nullptr;      // Null: the whole message.
  const google::protobuf::FieldDescriptor* response = nullptr;  // Null: the whole message.
};

struct Settings {
  // Of a message in JSON, beside the limit of what it is made of.
  static constexpr size_t kMaxGrowth = 8;

  std::shared_ptr<const MessageTypes> types;
  std::vector<std::unique_ptr<const Method>> methods;
  std::vector<Rule> rules;  // Empty: the filter is off.
  RuleTable table;

  google::protobuf::util::JsonPrintOptions print;
  enum class Stream : uint8_t { kArray, kLines, kEvents };
  Stream stream = Stream::kArray;
  Unescape unescape = Unescape::kAllButReserved;
  bool plus_is_space = false;
  bool any_case_enums = false;
  bool keeps_route = false;  // match_incoming_request_route
  bool converts_status = false;
  bool ignores_unknown_parameters = false;
  std::set<std::string, std::less<>> ignored_parameters;
  bool rejects_unknown_method = false;
  bool rejects_unknown_parameters = false;
  bool rejects_collisions = false;
  uint32_t max_request_bytes = 1024 * 1024;
  uint32_t max_response_bytes = 1024 * 1024;
};

}  // namespace proxenos::filters::grpc_json_transcoder
