// What tests of external processing share: a stream through the filter, and the processor on the
// stream's own loop, which is asked and answers by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "envoy/extensions/filters/http/ext_proc/v3/ext_proc.pb.h"
#include "envoy/service/ext_proc/v3/external_processor.pb.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"
#include "test/support/side_service.h"

namespace proxenos::filters {

namespace v3 = envoy::extensions::filters::http::ext_proc::v3;
using envoy::service::ext_proc::v3::ProcessingRequest;
using envoy::service::ext_proc::v3::ProcessingResponse;
using testing::AsyncStream;
using testing::Http2OriginStream;
using testing::SideService;

inline constexpr char kService[] = "grpc_service { envoy_grpc { cluster_name: 'proc' } } ";

class ExtProcTest : public ::testing::Test {
 protected:
  AsyncStream Make(const std::string& text, const Fields& fields = {},
                   const std::string& per_route = "") {
    auto config = RouteToOrigin();
    auto* route = config.mutable_virtual_hosts(0)->mutable_routes(0);
    if (!per_route.empty()) {
      (*route->mutable_typed_per_filter_config())["f"] = Pack<v3::ExtProcPerRoute>(per_route);
    }
    routes_ = MakeRoutes(config);
    AsyncStream made{};
    made.stream = std::make_unique<FilterHarness>(
        filter::FilterFactories{MakeFactory(Pack<v3::ExternalProcessor>(kService + text))},
        [&](filter::StreamContext& stream) {
          FillRequest({.fields = fields}, stream.request, stream.arena);
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
          auto service = std::make_unique<SideService>(stream.environment.loop,
                                                       stream.environment.clusters, "proc");
          made.service = service.get();
          made.service->origin.on_head = true;
          static_cast<FilterHarness&>(stream).Keep(std::move(service));
        });
    return made;
  }
  void Begin(const std::string& text, const Fields& fields = {},
             const std::string& per_route = "") {
    subject_ = Make(text, fields, per_route);
    read_ = 0;
    answered_ = false;
  }
  FilterHarness& stream() { return *subject_.stream; }
  Http2OriginStream& Processor() { return subject_.service->origin.stream(0); }

  // The next question; an empty one when none comes.
  ProcessingRequest Next() {
    ProcessingRequest request;
    const auto size = [this]() -> size_t {
      if (subject_.service->origin.stream_count() == 0) return 0;
      const std::string& bytes = Processor().body();
      if (bytes.size() < read_ + 5) return 0;
      const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[read_ + i]); };
      const size_t length =
          size_t{byte(1)} << 24 | size_t{byte(2)} << 16 | size_t{byte(3)} << 8 | byte(4);
      return bytes.size() < read_ + 5 + length ? 0 : 5 + length;
    };
    EXPECT_TRUE(stream().Until([&] { return size() > 0; }));
    const size_t whole = size();
    if (whole == 0) return request;
    EXPECT_TRUE(request.ParseFromString(Processor().body().substr(read_ + 5, whole - 5)));
    read_ += whole;
    return request;
  }
  void Answer(const std::string& text) {
    ProcessingResponse response;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response)) << text;
    AnswerBytes(response.SerializeAsString());
  }
  void AnswerBytes(const std::string& bytes) {
    if (!answered_) Processor().SendHead(200, {{"content-type", "application/grpc"}}, false);
    answered_ = true;
    Processor().SendBody(Frame(bytes), false);
  }
  bool Passes() {
    return stream().Until([this] { return stream().request_out.head || stream().replied(); }) &&
           stream().request_out.head;
  }
  bool Ends() {
    return stream().Until([this] { return stream().request_out.end || stream().replied(); }) &&
           stream().request_out.end;
  }
  bool Responds() {
    return stream().Until([this] { return stream().response_out.end; });
  }

  // A counter of the filter.
  uint64_t Stat(absl::string_view name) {
    return stream().Stat(absl::StrCat("http.test.ext_proc.", name));
  }

  std::shared_ptr<const route::RouteTable> routes_;
  AsyncStream subject_{};
  size_t read_ = 0;
  bool answered_ = false;
};

}  // namespace proxenos::filters
