// Filters that do in each phase what a script says, in a chain on a stream without a connection.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/filter/filter_chain.h"
#include "test/support/filter_harness.h"

namespace proxenos::filter {

using testing::FilterHarness;

enum class Do { kContinue, kPause, kReply, kAbort };

// What a filter does in each phase ("qh", "qb", "qt", "sh", "sb": request or response; head, body,
// trailers), and the log that all filters write.
struct Script {
  std::string name;
  std::map<std::string, Do> acts = {};
  BodyMode request_body = BodyMode::kStream;
  BodyMode response_body = BodyMode::kStream;
  uint32_t limit = 0;
  bool gated = false;
};

struct World {
  std::string log;
  std::map<std::string, HttpFilter*> filters;
  std::map<std::string, int> wakes;
};

class Scripted final : public HttpFilter {
 public:
  Scripted(const Script& script, World& world, StreamContext& stream)
      : script_(script), world_(world), stream_(stream) {
    world_.filters[script.name] = this;
  }
  Verdict OnRequestHeaders(http::RequestHead&, bool end) override { return Act("qh", end); }
  Verdict OnRequestBody(buffer::Buffer&, bool end) override { return Act("qb", end); }
  Verdict OnRequestTrailers(http::HeaderMap&) override { return Act("qt", false); }
  Verdict OnResponseHeaders(http::ResponseHead&, bool end) override { return Act("sh", end); }
  Verdict OnResponseBody(buffer::Buffer&, bool end) override { return Act("sb", end); }
  Verdict OnResponseTrailers(http::HeaderMap&) override { return Act("st", false); }
  void OnWake() override {
    absl::StrAppend(&world_.log, script_.name, ":wake ");
    Act("wake", false);
  }
  void OnLocalReply() override { absl::StrAppend(&world_.log, script_.name, ":local "); }
  void OnComplete() override { absl::StrAppend(&world_.log, script_.name, ":done "); }

 private:
  Verdict Act(const std::string& phase, bool end) {
    if (phase != "wake") {
      absl::StrAppend(&world_.log, script_.name, ":", phase, end ? "." : "", " ");
    }
    const auto it = script_.acts.find(phase);
    switch (it == script_.acts.end() ? Do::kContinue : it->second) {
      case Do::kContinue:
        return Verdict::kContinue;
      case Do::kPause:
        return Verdict::kPause;
      case Do::kReply:
        stream_.Reply(418, "teapot", "scripted", 0);
        return Verdict::kReplied;
      case Do::kAbort:
        stream_.Abort("scripted", 0);
        return Verdict::kReplied;
    }
    return Verdict::kContinue;
  }

  const Script& script_;
  World& world_;
  StreamContext& stream_;
};

// Answers by x-gate of the request ("skip", "run"), or else of the response.
class ScriptedGate final : public FilterGate {
 public:
  Answer Ask(StreamContext& stream, Direction direction) const override {
    for (const http::Header& field : stream.request.headers) {
      if (field.name() == "x-gate") return Of(field.value());
    }
    if (direction == Direction::kRequest) return Answer::kUnknown;
    for (const http::Header& field : stream.response.headers) {
      if (field.name() == "x-gate") return Of(field.value());
    }
    return Answer::kRun;
  }

 private:
  static Answer Of(absl::string_view word) { return word == "skip" ? Answer::kSkip : Answer::kRun; }
};

class ScriptedFactory final : public FilterFactory {
 public:
  ScriptedFactory(Script script, World& world) : script_(std::move(script)), world_(world) {
    request_body = script_.request_body;
    response_body = script_.response_body;
    buffer_limit = script_.limit;
    if (script_.gated) gate = std::make_unique<const ScriptedGate>();
  }
  std::unique_ptr<HttpFilter> Create(StreamContext& stream) const override {
    return std::make_unique<Scripted>(script_, world_, stream);
  }

 private:
  const Script script_;
  World& world_;
};

class FilterChainTest : public ::testing::Test {
 protected:
  void Make(std::vector<Script> scripts) {
    FilterFactories factories;
    for (Script& script : scripts) {
      factories.push_back(std::make_shared<const ScriptedFactory>(std::move(script), world_));
    }
    factories_ = factories;
    stream_.emplace(std::move(factories));
  }
  std::string TakeLog() { return std::exchange(world_.log, ""); }
  void Resume(const std::string& name, Direction direction) {
    stream_->Resume(*world_.filters[name], direction);
    stream_->Turn();
  }
  // The whole response as the codec would have it, or "" while there is none.
  std::string Out() {
    if (!stream_->response_out.head) return "";
    return absl::StrCat(stream_->response.status, " ", stream_->response_out.body.ToString(),
                        stream_->response_out.end ? "." : "");
  }

  World world_;
  FilterFactories factories_;
  std::optional<FilterHarness> stream_;
};

}  // namespace proxenos::filter
