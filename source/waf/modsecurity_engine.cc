// What the library is asked, and what its answers mean.
#include "source/waf/modsecurity_engine.h"

#include <cstdlib>
#include <exception>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "modsecurity/modsecurity.h"
#include "modsecurity/rule_message.h"
#include "modsecurity/rules_set.h"
#include "modsecurity/transaction.h"

namespace proxenos::waf {
namespace {

// Limits are ours, and what the filter passes is within them. A transaction whose id begins with
// "d" only detects; "p" behind that: its body is cut or empty, and need not parse. Bodies of JSON
// and XML are read as such, and what cannot be read as what it says to be is refused: the Core Rule
// Set expects both of who runs it. Beyond the limit of arguments nothing would be looked at, so
// such requests are refused. Nor would anything be looked at in a POST that does not say its type,
// which Rack takes for a form. XML must be without a document type and in an encoding that begins
// as ASCII does: what entities stand for is not looked at, and origins may put it in their place.
constexpr char kFrame[] =
    R"(SecRuleEngine On
SecRequestBodyAccess On
SecResponseBodyAccess On
SecRequestBodyLimit 134217728
SecRequestBodyNoFilesLimit 134217728
SecRequestBodyJsonDepthLimit 512
SecResponseBodyLimit 134217728
SecArgumentsLimit 1000
SecTmpSaveUploadedFiles Off
SecUploadKeepFiles Off
SecAuditEngine Off
SecRule UNIQUE_ID "@beginsWith d" \
  "id:990000000,phase:1,pass,t:none,nolog,ctl:ruleEngine=DetectionOnly"
SecRule REQUEST_HEADERS:Content-Type "@rx ^(?:application(?:/soap\+|/)|text/)xml" \
  "id:990000001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/(?:[a-z0-9.+-]+\+)?json" \
  "id:990000002,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_METHOD "@streq POST" "id:990000007,phase:1,t:none,pass,nolog,chain"
SecRule &REQUEST_HEADERS:Content-Type "@eq 0" "t:none,ctl:requestBodyProcessor=URLENCODED"
SecRule UNIQUE_ID "@rx ^.p" "id:990000003,phase:1,pass,t:none,nolog,\
  ctl:ruleRemoveById=990000004,ctl:ruleRemoveById=990000005"
SecRule REQBODY_PROCESSOR "@streq XML" \
  "id:990000008,phase:2,t:none,deny,status:400,log,severity:2,chain,\
  msg:'The XML body has a document type, or an encoding in which there might be one'"
SecRule REQUEST_BODY "!@rx ^\s*\z|^(?:\xef\xbb\xbf)?\s*+(?=<[^\x00]))"
    R"((?!<\?xml[^>]*\sencoding\s*=\s*[\x22'])"
    R"((?!(?i:utf-8|us-ascii|iso-8859-\d+|windows-125\d)[\x22'])))"
    R"((?!(?:\s|<\?(?>[^?]+|\?(?!>))*+\?>|<!--(?>[^-]+|-(?!->))*+-->)*+<!DOCTYPE)." "t:none"
SecRule REQBODY_ERROR "!@eq 0" "id:990000004,phase:2,t:none,deny,status:400,log,severity:2,\
  msg:'The body is not what its content type says: %{reqbody_error_msg}'"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" \
  "id:990000005,phase:2,t:none,deny,status:400,log,severity:2,\
  msg:'The multipart body breaks rules that keep readings of it equal'"
SecRule &ARGS "@ge 1000" "id:990000006,phase:2,t:none,deny,status:400,log,severity:2,\
  msg:'More arguments than are inspected'"
)";

// Everything that the library would log it keeps with the transaction too.
void DropLog(void*, const void*) {}

// One for the process, never destroyed: its collections belong to it, and rule sets may live until
// the very end.
modsecurity::ModSecurity& Library() {
  static auto* const library = new modsecurity::ModSecurity();
  static const bool silent = [] {
    library->setServerLogCb(DropLog, modsecurity::RuleMessageLogProperty);
    library->setConnectorInformation("proxenos");
    return true;
  }();
  static_cast<void>(silent);
  return *library;
}

// The rule that a line of the library's log is about: [id "42"].
int64_t RuleOfLog(const char* log) {
  if (log == nullptr) return 0;
  absl::string_view text = log;
  constexpr absl::string_view kBegin = "[id \"";
  const size_t at = text.find(kBegin);
  if (at == absl::string_view::npos) return 0;
  text.remove_prefix(at + kBegin.size());
  int64_t id;
  return absl::SimpleAtoi(text.substr(0, text.find('"')), &id) ? id : 0;
}

class ModSecurityRules final : public RuleSet {
 public:
  std::unique_ptr<Inspection> Begin(Mode mode, const std::string& id) const override;
  bool runs_inline() const override { return false; }

  // The library takes it without const, and only reads it once it is loaded.
  mutable modsecurity::RulesSet rules;
  std::shared_ptr<const RuleCheck> check;
};

class ModSecurityInspection final : public Inspection {
 public:
  ModSecurityInspection(const ModSecurityRules& rules, Mode mode, const std::string& id)
      : rules_(rules), mode_(mode), id_(id) {}

  Finding InspectRequest(const RequestFacts& request) override {
    return Guarded([this, &request](Finding& finding) {
      // Many clients name the type of a body that they do not send.
      const bool may_not_parse = request.partial || request.body.empty();
      std::string id =
          absl::StrCat(mode_ == Mode::kDetect ? "d" : "b", may_not_parse ? "p-" : "-", id_);
      transaction_.emplace(&Library(), &rules_.rules, id.data(), nullptr);
      auto& t = *transaction_;
      t.processConnection(request.client.address.c_str(), request.client.port,
                          request.server.address.c_str(), request.server.port);
      t.processURI(request.uri.c_str(), request.method.c_str(), request.version.c_str());
      for (const auto& [name, value] : request.fields) {
        t.addRequestHeader(Bytes(name), name.size(), Bytes(value), value.size());
      }
      t.processRequestHeaders();
      if (Intervenes(finding)) return;
      if (!request.body.empty()) {
        t.appendRequestBody(Bytes(request.body), request.body.size());
      }
      t.processRequestBody();
      Intervenes(finding);
    });
  }

  Finding InspectResponse(const ResponseFacts& response) override {
    return Guarded([this, &response](Finding& finding) {
      auto& t = *transaction_;
      for (const auto& [name, value] : response.fields) {
        t.addResponseHeader(Bytes(name), name.size(), Bytes(value), value.size());
      }
      t.processResponseHeaders(response.status, response.protocol);
      if (Intervenes(finding)) return;
      if (!response.body.empty()) {
        t.appendResponseBody(Bytes(response.body), response.body.size());
      }
      t.processResponseBody();
      Intervenes(finding);
    });
  }

  void Finish() override {
    if (!transaction_.has_value()) return;
    Guarded([this](Finding&) { transaction_->processLogging(); });
  }

 private:
  static const unsigned char* Bytes(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  }

  template <typename Inspect>
  Finding Guarded(Inspect inspect) {
    Finding finding;
    try {  // tidy: allow exceptions: the library throws, and nobody above is built to be unwound
      inspect(finding);
      TakeMatches(finding);
      finding.inbound_score = Score("anomaly_score");
      finding.outbound_score = Score("outbound_anomaly_score");
    } catch (const std::exception&) {  // tidy: allow exceptions: the same
      finding = Finding();
      finding.failed = true;
    }
    return finding;
  }

  bool Intervenes(Finding& finding) {
    modsecurity::ModSecurityIntervention it;
    modsecurity::intervention::clean(&it);
    if (!transaction_->intervention(&it)) return false;
    Intervention& wanted = finding.intervention;
    wanted.rule = RuleOfLog(it.log);
    if (it.url != nullptr) {
      wanted.action = Intervention::Action::kRedirect;
      wanted.location = it.url;
    } else if (it.disruptive != 0) {
      wanted.action = Intervention::Action::kDeny;
    }
    const bool valid = it.status >= 200 && it.status <= 599;
    wanted.status = valid ? static_cast<uint16_t>(it.status) : 403;
    modsecurity::intervention::free(&it);
    if (wanted.rule == 0) {
      for (const auto& message : transaction_->m_rulesMessages) {
        if (message.m_isDisruptive) wanted.rule = message.m_ruleId;
      }
    }
    if (wanted.action == Intervention::Action::kDeny && rules_.check->drops.contains(wanted.rule)) {
      wanted.action = Intervention::Action::kDrop;
    }
    return wanted.action != Intervention::Action::kNone;
  }

  void TakeMatches(Finding& finding) {
    size_t index = 0;
    for (const auto& message : transaction_->m_rulesMessages) {
      if (index++ < told_) continue;
      ++told_;
      if (finding.matches.size() == Finding::kMaxMatches) continue;
      RuleMatch match;
      match.rule = message.m_ruleId;
      match.phase = static_cast<uint8_t>(message.m_phase);
      match.severity = static_cast<uint8_t>(message.m_severity);
      match.disruptive = message.m_isDisruptive;
      match.message = message.m_message;
      match.data = message.m_data;
      match.tags.assign(message.m_tags.begin(), message.m_tags.end());
      const auto known = rules_.check->tags.find(match.rule);
      if (match.tags.empty() && known != rules_.check->tags.end()) match.tags = known->second;
      if (message.m_ruleFile != nullptr) match.file = *message.m_ruleFile;
      match.line = static_cast<uint32_t>(message.m_ruleLine);
      finding.matches.push_back(std::move(match));
    }
  }

  std::optional<int64_t> Score(const char* variable) {
    const auto value = transaction_->m_collections.m_tx_collection->resolveFirst(variable);
    int64_t score;
    if (value == nullptr || !absl::SimpleAtoi(*value, &score)) return std::nullopt;
    return score;
  }

  const ModSecurityRules& rules_;
  const Mode mode_;
  const std::string id_;
  std::optional<modsecurity::Transaction> transaction_;  // From its request on.
  size_t told_ = 0;                                      // Messages that findings have had.
};

std::unique_ptr<Inspection> ModSecurityRules::Begin(Mode mode, const std::string& id) const {
  return std::make_unique<ModSecurityInspection>(*this, mode, id);
}

// "Rules error. File: NAME. Line: 3. Column: 11. REASON": the line, if it is there, and the reason.
RuleError ReadParserError(const std::string& name, absl::string_view text) {
  RuleError error{name, 0, std::string()};
  constexpr absl::string_view kLine = ". Line: ";
  constexpr absl::string_view kColumn = ". Column: ";
  const size_t at = text.find(kLine);
  if (at != absl::string_view::npos) {
    const absl::string_view rest = text.substr(at + kLine.size());
    const size_t end = rest.find(kColumn);
    if (end != absl::string_view::npos && absl::SimpleAtoi(rest.substr(0, end), &error.line)) {
      text = rest.substr(end + kColumn.size());
      const size_t reason = text.find(". ");
      if (reason != absl::string_view::npos) text.remove_prefix(reason + 2);
    }
  }
  error.reason = std::string(absl::StripAsciiWhitespace(text));
  if (error.reason.empty()) error.reason = "it is no SecLang";
  return error;
}

bool Load(modsecurity::RulesSet& rules, const std::string& name, const char* text,
          std::vector<RuleError>& errors) {
  try {  // tidy: allow exceptions: the library throws, and nobody above is built to be unwound
    if (rules.load(text, name) >= 0) return true;
    errors.push_back(ReadParserError(name, rules.getParserError()));
  } catch (const std::exception& thrown) {  // tidy: allow exceptions: the same
    errors.push_back({name, 0, thrown.what()});
  }
  return false;
}

}  // namespace

std::shared_ptr<const RuleSet> CompileModSecurity(const RuleSource& source,
                                                  std::shared_ptr<const RuleCheck> check,
                                                  std::vector<RuleError>& errors) {
  Library();
  auto compiled = std::make_unique<ModSecurityRules>();
  compiled->check = std::move(check);
  if (!Load(compiled->rules, "frame", kFrame, errors)) return nullptr;
  for (const RuleText& text : source.texts) {
    if (!Load(compiled->rules, text.name, text.text.c_str(), errors)) return nullptr;
  }
  return compiled;
}

}  // namespace proxenos::waf
