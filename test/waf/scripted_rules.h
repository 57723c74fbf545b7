// ScriptedRules: the engine that tests play: it does what a request's URI says, and can be held.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "source/waf/engine.h"
#include "test/support/gate.h"

namespace proxenos::waf {

// URIs: "/wait" waits at the gate, "/fail" fails, "/deny" is denied with 403; rule 7 matches in
// "/match". Responses
// with the status 500 are denied, those with 299 wait at the gate.
class ScriptedRules final : public RuleSet {
 public:
  explicit ScriptedRules(bool runs_inline = false) : inline_(runs_inline) {}

  class Asked final : public Inspection {
   public:
    Asked(const ScriptedRules& rules, Mode mode) : rules_(rules), mode_(mode) { ++rules_.alive; }
    ~Asked() override { --rules_.alive; }
    Finding InspectRequest(const RequestFacts& request) override {
      ++rules_.inspected;
      if (request.uri == "/wait") {
        rules_.begun.Open();
        rules_.gate.Wait();
      }
      Finding finding;
      finding.failed = request.uri == "/fail";
      finding.inbound_score = static_cast<int64_t>(request.uri.size());
      if (request.uri == "/match" || request.uri == "/deny") Match(finding);
      if (request.uri == "/deny") Deny(finding);
      return finding;
    }
    Finding InspectResponse(const ResponseFacts& response) override {
      if (response.status == 299) {
        rules_.begun.Open();
        rules_.gate.Wait();
      }
      Finding finding;
      if (response.status == 500) Deny(finding);
      return finding;
    }
    void Finish() override { ++rules_.finished; }

   private:
    void Deny(Finding& finding) const {
      if (mode_ == Mode::kDetect) return;
      finding.intervention = {Intervention::Action::kDeny, 403, "", 7};
    }
    static void Match(Finding& finding) {
      RuleMatch match;
      match.rule = 7;
      match.tags = {"attack-test"};
      match.data = "what matched";
      finding.matches.push_back(match);
    }

    const ScriptedRules& rules_;
    const Mode mode_;
  };

  std::unique_ptr<Inspection> Begin(Mode mode, const std::string&) const override {
    return std::make_unique<Asked>(*this, mode);
  }
  bool runs_inline() const override { return inline_; }

  mutable std::atomic<int> alive{0};
  mutable std::atomic<int> inspected{0};
  mutable std::atomic<int> finished{0};
  mutable testing::Gate begun;  // Somebody waits at the gate.
  mutable testing::Gate gate;

 private:
  const bool inline_;
};

}  // namespace proxenos::waf
