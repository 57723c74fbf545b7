// Resources of each type that a control plane sends, from their bytes through both checks to what
// workers get: whatever the bytes are, there is a result or there are errors. What passes the quick
// look passes the two walks, in whose place it is.
#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/config/route/v3/scoped_route.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/service/runtime/v3/rtds.pb.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "source/base/check.h"
#include "source/config/constraints.h"
#include "source/config/screen.h"
#include "source/downstream/listener_config.h"
#include "source/server/builtin_filters.h"
#include "source/server/compilers.h"

namespace proxenos::server {
namespace {

using google::protobuf::Message;

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

struct Kind {
  const Message& (*type)();
  // Whether something was made of the bytes.
  bool (*compile)(Compilers& compilers, const std::string& bytes, config::Errors& errors);
};

template <typename T>
const Message& Type() {
  return T::default_instance();
}

constexpr Origin kFrom = Origin::kDiscovery;
const std::array<Kind, 8> kKinds = {
    Kind{Type<envoy::config::cluster::v3::Cluster>,
         [](Compilers& compilers, const std::string& bytes, config::Errors& errors) {
           return compilers.cluster(bytes, kFrom, errors) != nullptr;
         }},
    Kind{Type<envoy::config::endpoint::v3::ClusterLoadAssignment>,
         [](Compilers& compilers, const std::string& bytes, config::Errors& errors) {
           return compilers.assignment(bytes, kFrom, errors) != nullptr;
         }},
    Kind{Type<envoy::config::listener::v3::Listener>,
         [](Compilers& compilers, const std::string& bytes, config::Errors& errors) {
           return compilers.listener(bytes, kFrom, errors).config != nullptr;
         }},
    Kind{Type<envoy::config::route::v3::RouteConfiguration>,
         [](Compilers& compilers, const std::string& bytes, config::Errors& errors) {
           return compilers.routes(bytes, kFrom, errors) != nullptr;
         }},
    Kind{Type<envoy::extensions::transport_sockets::tls::v3::Secret>,
         [](Compilers& compilers, const std::string& bytes, config::Errors& errors) {
           return compilers.secret(bytes, kFrom, errors).has_value();
         }},
    Kind{Type<envoy::config::route::v3::ScopedRouteConfiguration>,
         [](Compilers& compilers, const std::string& bytes, config::Errors& errors) {
           return compilers.scope(bytes, errors).has_value();
         }},
    Kind{Type<envoy::config::route::v3::VirtualHost>,
         [](Compilers& compilers, const std::string& bytes, config::Errors& errors) {
           return compilers.host(bytes, HostsOrigin(), errors) != nullptr;
         }},
    Kind{Type<envoy::service::runtime::v3::Runtime>,
         [](Compilers& compilers, const std::string& bytes, config::Errors& errors) {
           return compilers.runtime_layer("layer", bytes, errors) != nullptr;
         }},
};

// As bytes, or as text, which is what people write down.
bool Parse(const std::string& input, Message& message) {
  if (message.ParseFromString(input)) return true;
  Quiet quiet;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&quiet);
  parser.SetRecursionLimit(50);
  return parser.ParseFromString(input, &message);
}

void Run(const std::string& input) {
  if (input.empty()) return;
  const Kind& kind = kKinds[static_cast<unsigned char>(input[0]) % kKinds.size()];
  const std::unique_ptr<Message> message(kind.type().New());
  if (!Parse(input.substr(1), *message)) return;
  const std::string bytes = message->SerializeAsString();

  config::Errors walked;
  config::IgnoredFields ignored;
  config::CheckConstraints(*message, walked);
  config::CheckFields(*message, walked, ignored, {}, config::UnknownFields::kIgnore);
  const bool silent = walked.ok() && ignored.count() == 0;
  CHECK(silent || !config::SurelyFine(*message->GetDescriptor(), bytes));

  World world;
  config::Errors errors;
  const bool made = kind.compile(world.compilers, bytes, errors);
  CHECK(made || !errors.ok());
  CHECK(walked.ok() || !errors.ok());
}

}  // namespace
}  // namespace proxenos::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::server::Run(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
