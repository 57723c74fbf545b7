// What clients ask the client status service: a ClientStatusRequest, as bytes of the wire or as
// text, which is what people write down. It is about this node or not, or refused with reasons.
#include <cstdint>
#include <optional>
#include <string>

#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "source/admin/node_choice.h"
#include "source/base/check.h"

namespace proxenos::admin {
namespace {

class Quiet final : public google::protobuf::io::ErrorCollector {
  void AddError(int, int, const std::string&) override {}
};

template <typename Proto>
bool Parse(const std::string& bytes, Proto& proto) {
  if (proto.ParseFromString(bytes)) return true;
  Quiet quiet;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&quiet);
  parser.SetRecursionLimit(50);
  return parser.ParseFromString(bytes, &proto);
}

const envoy::config::core::v3::Node& ThisNode() {
  static const auto* const node = [] {
    auto* made = new envoy::config::core::v3::Node;
    CHECK(Parse(R"(id: "node-1" metadata { fields { key: "a" value { list_value {
                     values { number_value: 1 } values { string_value: "b" } } } } })",
                *made));
    return made;
  }();
  return *node;
}

void Run(const std::string& bytes) {
  envoy::service::status::v3::ClientStatusRequest asked;
  if (!Parse(bytes, asked)) return;
  config::Errors errors;
  const std::optional<bool> about = AsksFor(asked, ThisNode(), errors);
  CHECK(about.has_value() == errors.ok());
  if (asked.node_matchers().empty()) CHECK(about == true);
  // Another matcher, which fits, makes it so wherever the question was well made.
  asked.add_node_matchers()->mutable_node_id()->set_exact("node-1");
  config::Errors more;
  const std::optional<bool> widened = AsksFor(asked, ThisNode(), more);
  if (about.has_value()) CHECK(widened == true);
}

}  // namespace
}  // namespace proxenos::admin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::admin::Run(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
