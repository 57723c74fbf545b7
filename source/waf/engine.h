// The seam between the WAF and what evaluates its rules: libmodsecurity today, run by threads of
// its own; an engine that is quick enough may run where the stream lives.
//
// Everything here is a copy of the message: nothing of a stream is seen by another thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace proxenos::waf {

using FieldTexts = std::vector<std::pair<std::string, std::string>>;

// A transaction's mode, chosen for each: one set of rules serves both.
enum class Mode : uint8_t {
  kDetect,  // Rules are evaluated and tell, but nothing comes of it.
  kBlock,
};

struct Endpoint {
  std::string address;  // Without the port.
  uint16_t port = 0;
};

struct RequestFacts {
  Endpoint client;
  Endpoint server;
  std::string method;
  std::string uri;      // As received, query and all.
  std::string version;  // "1.0", "1.1" or "2.0".
  FieldTexts fields;    // Host among them.
  std::string body;
  bool partial = false;  // The body is only the begin of it.
};

struct ResponseFacts {
  uint16_t status = 0;
  std::string protocol;  // "HTTP/1.1"
  FieldTexts fields;
  std::string body;
};

// A rule that matched and says so.
struct RuleMatch {
  int64_t rule = 0;
  uint8_t phase = 0;     // 1 to 5.
  uint8_t severity = 0;  // 0 (emergency) to 7 (debug).
  bool disruptive = false;
  std::string message;
  std::string data;  // A piece of the message: not for every eye.
  std::vector<std::string> tags;
  std::string file;
  uint32_t line = 0;
};

// What the rules want done.
struct Intervention {
  enum class Action : uint8_t { kNone, kDeny, kRedirect, kDrop };
  Action action = Action::kNone;
  uint16_t status = 0;   // Of kDeny and kRedirect.
  std::string location;  // Of kRedirect.
  int64_t rule = 0;      // 0: not known.
};

struct Finding {
  Intervention intervention;
  std::vector<RuleMatch> matches;  // At most kMaxMatches.
  std::optional<int64_t> inbound_score;
  std::optional<int64_t> outbound_score;
  bool failed = false;  // The engine could not do it: nothing else here means anything.

  static constexpr size_t kMaxMatches = 200;
};

// One request and its response. Owner: whoever inspects at the moment. Thread: any, one at a time.
class Inspection {
 public:
  virtual ~Inspection() = default;

  // Phases 1 and 2.
  virtual Finding InspectRequest(const RequestFacts& request) = 0;
  // Phases 3 and 4. REQUIRES: after InspectRequest.
  virtual Finding InspectResponse(const ResponseFacts& response) = 0;
  // Phase 5, once, behind all others.
  virtual void Finish() = 0;
};

// Compiled rules. Owner: shared by all that inspect by them. Thread: any.
class RuleSet {
 public:
  virtual ~RuleSet() = default;

  // `id` names the transaction, in the engine too. Never null.
  // REQUIRES: the rule set outlives it.
  virtual std::unique_ptr<Inspection> Begin(Mode mode, const std::string& id) const = 0;

  // Whether an inspection is so short that a worker may run it on its loop.
  virtual bool runs_inline() const = 0;
};

}  // namespace proxenos::waf
