// Filters that wait for a service of ours, where async_filters_test.cc does not have them: at
// bodies, trailers and responses.
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/ext_authz/v3/ext_authz.pb.h"
#include "envoy/extensions/filters/http/ext_proc/v3/ext_proc.pb.h"
#include "envoy/extensions/filters/http/lua/v3/lua.pb.h"
#include "envoy/service/ext_proc/v3/external_processor.pb.h"
#include "test/filters/http/waiting.h"
#include "test/support/side_service.h"

namespace proxenos::filters {
namespace {

namespace f = envoy::extensions::filters::http;
using envoy::service::ext_proc::v3::ProcessingResponse;
using testing::Http2OriginStream;
using testing::SideService;

constexpr base::Nanos kTimeout = 200 * base::kMillisecond;

using Reply = std::function<void(Http2OriginStream&)>;

class ServiceWaiting final : public Waiting {
 public:
  // `streams`: the question has no end.
  ServiceWaiting(Phase phase, const google::protobuf::Any& config, Reply reply, bool streams)
      : Waiting(phase), reply_(std::move(reply)), streams_(streams) {
    routes_ = MakeRoutes(RouteToOrigin());
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{MakeFactory(config)}, [this](filter::StreamContext& stream) {
          FillRequest({}, stream.request, stream.arena);
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
          auto service = std::make_unique<SideService>(stream.environment.loop,
                                                       stream.environment.clusters, "service");
          service_ = service.get();
          service_->origin.on_head = streams_;
          static_cast<FilterHarness&>(stream).Keep(std::move(service));
        });
  }
  bool Asked() override {
    auto& origin = service_->origin;
    if (origin.stream_count() == 0) return false;
    return streams_ ? !origin.stream(0).body().empty() : origin.stream(0).complete();
  }
  // Whoever has asked: a script sees a local reply as a response too, and asks about that.
  void Answer() override {
    for (size_t i = 0; i < service_->origin.stream_count(); ++i) {
      Http2OriginStream& asked = service_->origin.stream(i);
      if (asked.closed() || (!streams_ && (!asked.complete() || !answered_.insert(i).second))) {
        continue;
      }
      reply_(asked);
    }
  }
  void ExpectNothingLeft() override { service_->ExpectNothingLeft(); }

 private:
  const Reply reply_;
  const bool streams_;
  std::set<size_t> answered_;  // Streams of the service.
  std::shared_ptr<const route::RouteTable> routes_;
  SideService* service_ = nullptr;  // Kept by the stream.
};

// What the processor sees, and that it has nothing to say.
WaitCase Processor(const std::string& name, Phase phase, const std::string& mode,
                   void (*fill)(ProcessingResponse&), const std::string& answered) {
  const auto config = Pack<f::ext_proc::v3::ExternalProcessor>(
      absl::StrCat("grpc_service { envoy_grpc { cluster_name: 'service' } } "
                   "message_timeout { nanos: 200000000 } processing_mode { ",
                   mode, " }"));
  return {absl::StrCat("ext_proc_", name),
          [=] {
            auto headed = std::make_shared<bool>(false);
            return std::make_unique<ServiceWaiting>(
                phase, config,
                [=](Http2OriginStream& asked) {
                  ProcessingResponse response;
                  fill(response);
                  if (!std::exchange(*headed, true)) {
                    asked.SendHead(200, {{"content-type", "application/grpc"}}, false);
                  }
                  asked.SendBody(Frame(response.SerializeAsString()), false);
                },
                /*streams=*/true);
          },
          answered, "504 ", kTimeout};
}

WaitCase Script(const std::string& name, Phase phase, const std::string& script,
                const std::string& answered) {
  f::lua::v3::Lua proto;
  proto.mutable_default_source_code()->set_inline_string(absl::StrCat(
      "local function call(h) h:httpCall('service', {[':method'] = 'GET', [':path'] = '/', "
      "[':authority'] = 'a'}, nil, 200) end function envoy_on_",
      phase < Phase::kResponse ? "request" : "response", "(h) ", script, " end"));
  google::protobuf::Any config;
  config.PackFrom(proto);
  // A call without an answer is a 504 to the script, which goes on.
  return {absl::StrCat("lua_", name),
          [=] {
            return std::make_unique<ServiceWaiting>(
                phase, config, [](Http2OriginStream& asked) { asked.Reply(200); }, false);
          },
          answered, answered, kTimeout};
}

WaitCase AuthorizedBody() {
  const auto config = Pack<f::ext_authz::v3::ExtAuthz>(
      "http_service { server_uri { uri: 'http://a/' cluster: 'service' "
      "timeout { nanos: 200000000 } } } with_request_body { max_request_bytes: 100 }");
  return {"ext_authz_with_body",
          [=] {
            return std::make_unique<ServiceWaiting>(
                Phase::kRequestBody, config, [](Http2OriginStream& asked) { asked.Reply(200); },
                false);
          },
          "passed", "403 ", kTimeout};
}

constexpr char kNoHeads[] = "request_header_mode: SKIP response_header_mode: SKIP ";

}  // namespace

std::vector<WaitCase> ServiceCases() {
  using R = ProcessingResponse;
  const auto quiet = [](const char* mode) { return absl::StrCat(kNoHeads, mode); };
  return {
      AuthorizedBody(),
      Processor(
          "request_body_in_pieces", Phase::kRequestBody, quiet("request_body_mode: STREAMED"),
          [](R& r) { r.mutable_request_body(); }, "passed"),
      Processor(
          "request_body_whole", Phase::kRequestBody, quiet("request_body_mode: BUFFERED"),
          [](R& r) { r.mutable_request_body(); }, "passed"),
      Processor(
          "request_trailers", Phase::kRequestTrailers, quiet("request_trailer_mode: SEND"),
          [](R& r) { r.mutable_request_trailers(); }, "passed"),
      Processor(
          "response_head", Phase::kResponse, "request_header_mode: SKIP",
          [](R& r) { r.mutable_response_headers(); }, "200 body"),
      Processor(
          "response_body_in_pieces", Phase::kResponse, quiet("response_body_mode: STREAMED"),
          [](R& r) { r.mutable_response_body(); }, "200 body"),
      Processor(
          "response_body_whole", Phase::kResponse, quiet("response_body_mode: BUFFERED"),
          [](R& r) { r.mutable_response_body(); }, "200 body"),
      Processor(
          "response_trailers", Phase::kResponseTrailers, quiet("response_trailer_mode: SEND"),
          [](R& r) { r.mutable_response_trailers(); }, "200 body [x-trailer=1;]"),
      Script("request_body_whole", Phase::kRequestBody, "h:body() call(h)", "passed"),
      Script("request_body_in_pieces", Phase::kRequestBody,
             "for piece in h:bodyChunks() do call(h) end", "passed"),
      Script("request_trailers", Phase::kRequestTrailers, "h:trailers() call(h)", "passed"),
      Script("response_head", Phase::kResponse, "call(h)", "200 body"),
      Script("response_body_whole", Phase::kResponse, "h:body() call(h)", "200 body"),
      Script("response_body_in_pieces", Phase::kResponse,
             "for piece in h:bodyChunks() do call(h) end", "200 body"),
      Script("response_trailers", Phase::kResponseTrailers, "h:trailers() call(h)",
             "200 body [x-trailer=1;]"),
  };
}

}  // namespace proxenos::filters
