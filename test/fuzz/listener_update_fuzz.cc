// Two versions of a listener, one after the other: the second as an update of the first is what it
// is by itself, and shares with the first what it says it does. Input: both as bytes or text
// protos, with a line of three dashes between them.
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "absl/algorithm/container.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "source/base/check.h"
#include "source/downstream/listener_config.h"
#include "source/server/builtin_filters.h"
#include "source/server/compilers.h"

namespace proxenos::server {
namespace {

using envoy::config::listener::v3::Listener;

class Quiet final : public google::protobuf::io::ErrorCollector {
  void AddError(int, int, const std::string&) override {}
  void AddWarning(int, int, const std::string&) override {}
};

struct World {
  downstream::ListenerCompiler listeners{BuiltinFilters(), nullptr, BuiltinListenerFilters(),
                                         BuiltinNetworkFilters()};
  config::IgnoredFields ignored;
  Compilers compilers = MakeCompilers(listeners, ignored, config::UnknownFields::kIgnore);
};

bool Parse(const std::string& input, Listener& listener) {
  if (listener.ParseFromString(input)) return true;
  Quiet quiet;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&quiet);
  parser.SetRecursionLimit(50);
  return parser.ParseFromString(input, &listener);
}

void CheckKept(const CompiledListener& before, const CompiledListener& next) {
  CHECK(next.routes.size() == next.config->chains.size());
  if (next.kept.empty()) return;
  CHECK(next.kept.size() == next.config->chains.size());
  CHECK(next.config->name == before.config->name);
  CHECK(next.config->connections == before.config->connections);
  std::set<int32_t> used;
  for (size_t i = 0; i < next.kept.size(); ++i) {
    if (!next.Keeps(i)) {
      CHECK(!absl::c_linear_search(before.config->chains, next.config->chains[i]));
      continue;
    }
    const auto old = static_cast<size_t>(next.kept[i]);
    CHECK(used.insert(next.kept[i]).second);
    CHECK(old < before.config->chains.size());
    CHECK(next.config->chains[i] == before.config->chains[old]);
  }
}

void Run(const std::string& input) {
  constexpr char kBetween[] = "\n---\n";
  const size_t middle = input.find(kBetween);
  if (middle == std::string::npos) return;
  Listener first;
  Listener second;
  if (!Parse(input.substr(0, middle), first)) return;
  if (!Parse(input.substr(middle + sizeof(kBetween) - 1), second)) return;
  World world;
  config::Errors errors;
  const std::string bytes = first.SerializeAsString();
  const CompiledListener before = world.compilers.listener(bytes, Origin::kDiscovery, errors);
  if (before.config == nullptr) return;

  // The same again shares all there is.
  config::Errors none;
  const CompiledListener same = world.compilers.next_listener(bytes, {bytes, before}, none);
  CHECK(same.config != nullptr && none.ok());
  CheckKept(before, same);
  if (!first.name().empty() && before.config->datagrams == nullptr) {
    CHECK(same.kept.size() == before.config->chains.size());
    for (size_t i = 0; i < same.kept.size(); ++i) CHECK(same.kept[i] == static_cast<int32_t>(i));
  }

  const std::string next_bytes = second.SerializeAsString();
  config::Errors alone_errors;
  config::Errors next_errors;
  const CompiledListener alone =
      world.compilers.listener(next_bytes, Origin::kDiscovery, alone_errors);
  const CompiledListener next =
      world.compilers.next_listener(next_bytes, {bytes, before}, next_errors);
  CHECK((alone.config == nullptr) == (next.config == nullptr));
  CHECK(next_errors.ok() == (next.config != nullptr));
  if (next.config == nullptr) return;
  CHECK(alone.config->chains.size() == next.config->chains.size());
  CHECK(alone.config->addresses == next.config->addresses);
  CheckKept(before, next);
}

}  // namespace
}  // namespace proxenos::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::server::Run(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
