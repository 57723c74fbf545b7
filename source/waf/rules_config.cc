// Texts, files and typed fields to SecLang.
#include "source/waf/rules_config.h"

#include <dirent.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "source/config/file.h"
#include "source/waf/modsecurity_engine.h"
#include "source/waf/seclang.h"
#include "source/waf/shared_table.h"

namespace proxenos::waf {
namespace {

namespace v3 = ::proxenos::filters::http::waf::v3;

constexpr char kDefaultFolder[] = "/usr/share/modsecurity-crs/rules";
constexpr uint32_t kMaxParanoia = 4;
constexpr int kMaxExclusions = 1000;

// Where a value may stand between quotes without ending them or meaning something else.
bool IsPlain(absl::string_view value, absl::string_view others) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [others](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           others.find(c) != absl::string_view::npos;
  });
}

class SourceWriter {
 public:
  SourceWriter(const config::Path& path, config::Errors& errors) : path_(path), errors_(errors) {}

  RuleSource Write(const v3::Rules& proto) {
    if (proto.before().empty() && proto.after().empty() && !proto.has_core_rule_set()) {
      errors_.Add(path_, "expected rules: core_rule_set, before or after");
    }
    // Exclusions by path are rules themselves, and must come before those that they take out.
    ExcludeByPath(proto);
    Add(proto.before(), "before");
    if (proto.has_core_rule_set()) {
      AddCoreRuleSet(proto.core_rule_set(), path_.Field("core_rule_set"));
    }
    Add(proto.after(), "after");
    ExcludeEverywhere(proto);
    return std::move(source_);
  }

 private:
  void AddOurs(const config::Path& at, std::string text) {
    source_.texts.push_back({at.text(), std::move(text), Origin::kOurs});
  }

  void Add(const google::protobuf::RepeatedPtrField<v3::SecLang>& texts, std::string_view field) {
    for (int i = 0; i < texts.size(); ++i) {
      const config::Path at = path_.Field(field).Index(static_cast<size_t>(i));
      switch (texts[i].source_case()) {
        case v3::SecLang::kText:
          source_.texts.push_back({at.Field("text").text(), texts[i].text(), Origin::kConfigured});
          break;
        case v3::SecLang::kFile:
          AddFile(texts[i].file(), at.Field("file"), Origin::kConfigured);
          break;
        case v3::SecLang::SOURCE_NOT_SET:
          errors_.Add(at, "expected text or file");
      }
    }
  }

  void AddFile(const std::string& name, const config::Path& at, Origin origin) {
    absl::StatusOr<std::string> content = config::ReadFile(name, kMaxRuleTextBytes);
    if (!content.ok()) {
      return errors_.Add(at, absl::StrCat("'", name, "' ", content.status().message()));
    }
    source_.texts.push_back({name, *std::move(content), origin});
  }

  void AddCoreRuleSet(const v3::CoreRuleSet& proto, const config::Path& at) {
    Setup(proto, at);
    const std::string folder = proto.folder().empty() ? kDefaultFolder : proto.folder();
    std::vector<std::string> names;
    if (DIR* const open = opendir(folder.c_str()); open != nullptr) {
      while (const dirent* const entry = readdir(open)) {
        if (absl::EndsWith(entry->d_name, ".conf")) names.emplace_back(entry->d_name);
      }
      closedir(open);
    }
    std::sort(names.begin(), names.end());
    if (names.empty()) {
      return errors_.Add(at.Field("folder"),
                         absl::StrCat("no rules in '", folder,
                                      "': install the package modsecurity-crs, or name the folder "
                                      "with the files of the Core Rule Set"));
    }
    for (const std::string& name : names) {
      AddFile(absl::StrCat(folder, "/", name), at.Field("folder"), Origin::kOurs);
      // Most of the set's rules look at the text of XML alone, and attacks fit into attributes.
      absl::StrReplaceAll({{"|XML:/* ", "|XML:/*|XML://@* "}}, &source_.texts.back().text);
    }
  }

  // What crs-setup.conf says elsewhere.
  void Setup(const v3::CoreRuleSet& proto, const config::Path& at) {
    std::string set;
    const auto add = [&set](absl::string_view name, const auto& value) {
      absl::StrAppend(&set, ",\\\n  setvar:'tx.", name, "=", value, "'");
    };
    add("crs_setup_version", 334);
    const uint32_t paranoia = Level(proto.has_paranoia_level(), proto.paranoia_level().value(), 1,
                                    at.Field("paranoia_level"));
    const uint32_t detection =
        Level(proto.has_detection_paranoia_level(), proto.detection_paranoia_level().value(),
              paranoia, at.Field("detection_paranoia_level"));
    add("paranoia_level", paranoia);
    add("executing_paranoia_level", detection);
    const auto number = [&](absl::string_view name, absl::string_view field, bool has,
                            const google::protobuf::UInt32Value& value) {
      if (!has) return;
      if (value.value() == 0 || value.value() > 1'000'000'000) {
        errors_.Add(at.Field({field.data(), field.size()}), "expected 1 to 1000000000");
      }
      add(name, value.value());
    };
#define PX_NUMBER(name, field) number(name, #field, proto.has_##field(), proto.field())
    PX_NUMBER("inbound_anomaly_score_threshold", inbound_anomaly_score_threshold);
    PX_NUMBER("outbound_anomaly_score_threshold", outbound_anomaly_score_threshold);
    PX_NUMBER("max_num_args", max_num_args);
    PX_NUMBER("arg_name_length", arg_name_length);
    PX_NUMBER("arg_length", arg_length);
    PX_NUMBER("total_arg_length", total_arg_length);
#undef PX_NUMBER
    const auto list = [&](const List& what) {
      if (what.values.empty()) return;
      add(what.variable, absl::StrJoin(what.values, " ", [&](std::string* out, const auto& value) {
            if (!IsPlain(value, what.others)) {
              errors_.AddValue(at.Field(what.field), value,
                               "letters, digits and what belongs there");
            }
            absl::StrAppend(out, what.begin, value, what.end);
          }));
    };
    list({"allowed_methods", "allowed_methods", proto.allowed_methods(), "-_", "", ""});
    list({"allowed_request_content_types", "allowed_request_content_type",
          proto.allowed_request_content_types(), "/+.-_", "|", "|"});
    list({"allowed_http_versions", "allowed_http_versions", proto.allowed_http_versions(), "/.", "",
          ""});
    list({"restricted_extensions", "restricted_extensions", proto.restricted_extensions(), ".-_",
          "", "/"});
    list({"restricted_headers", "restricted_headers", proto.restricted_headers(), "-_", "/", "/"});
    for (int i = 0; i < proto.applications_size(); ++i) {
      const std::string name =
          absl::AsciiStrToLower(v3::CoreRuleSet::Application_Name(proto.applications(i)));
      if (proto.applications(i) <= 0 || name.empty()) {
        errors_.Add(at.Field("applications").Index(static_cast<size_t>(i)),
                    "expected the name of an application");
      }
      add(absl::StrCat("crs_exclusions_", name), 1);
    }
    AddOurs(at, absl::StrCat("SecDefaultAction \"phase:1,log,auditlog,pass\"\n"
                             "SecDefaultAction \"phase:2,log,auditlog,pass\"\n"
                             "SecAction \"id:990000010,phase:1,nolog,pass,t:none",
                             set, "\"\n"));
  }

  struct List {
    std::string_view field;
    absl::string_view variable;
    const google::protobuf::RepeatedPtrField<std::string>& values;
    absl::string_view others;  // What a value may have beside letters and digits.
    absl::string_view begin;   // Around each value.
    absl::string_view end;
  };

  uint32_t Level(bool has, uint32_t value, uint32_t least, const config::Path& at) {
    if (!has) return least;
    if (value < least || value > kMaxParanoia) {
      errors_.AddValue(at, std::to_string(value), std::to_string(least) + " to 4");
    }
    return value;
  }

  // Calls visit(exclusion, its path, its number) for those with a path, or for the others.
  template <typename Visit>
  void ForEachExclusion(const v3::Rules& proto, bool by_path, Visit visit) {
    for (int i = 0; i < proto.exclusions_size() && i < kMaxExclusions; ++i) {
      const v3::Exclusion& one = proto.exclusions(i);
      if (one.has_path() == by_path) {
        visit(one, path_.Field("exclusions").Index(static_cast<size_t>(i)), i);
      }
    }
  }

  void CheckExclusion(const v3::Exclusion& one, const config::Path& at) {
    if (one.rule_ids().empty() && one.rule_tags().empty()) {
      errors_.Add(at,
                  "expected rule_ids or rule_tags; the tag OWASP_CRS is all of the Core Rule Set");
    }
    for (const std::string& tag : one.rule_tags()) {
      if (!IsPlain(tag, "_-/.")) {
        errors_.AddValue(at.Field("rule_tags"), tag, "letters, digits, '_', '-', '/' and '.'");
      }
    }
    for (const std::string& target : one.targets()) {
      const size_t colon = target.find(':');
      const bool valid =
          IsPlain(target.substr(0, colon), "_") &&
          (colon == std::string::npos || IsPlain(target.substr(colon + 1), "_-.[]@$:"));
      if (!valid) errors_.AddValue(at.Field("targets"), target, "VARIABLE or VARIABLE:NAME");
    }
  }

  void ExcludeByPath(const v3::Rules& proto) {
    if (proto.exclusions_size() > kMaxExclusions) {
      errors_.Add(path_.Field("exclusions"), absl::StrCat("expected at most ", kMaxExclusions));
    }
    std::string text;
    ForEachExclusion(proto, true, [&](const v3::Exclusion& one, const config::Path& at, int i) {
      CheckExclusion(one, at);
      const bool exact = one.path().match_case() == v3::Exclusion::Path::kExact;
      const std::string& match = exact ? one.path().exact() : one.path().prefix();
      if (match.empty() || match[0] != '/' || !IsPlain(match, "/-._~!$&()*+,;=:@")) {
        errors_.AddValue(at.Field("path"), match, "a path without escapes, from its '/' on");
      }
      // Who writes dot segments could make one path of another: they get no exclusion.
      absl::StrAppend(
          &text, "SecRule REQUEST_FILENAME \"!@rx (?:^|[/\\x5c])\\.\\.(?:[/\\x5c]|$)\" ",
          "\"id:", kFirstOwnId + 100'000 + i, ",phase:1,pass,nolog,t:none,t:urlDecodeUni,chain\"\n",
          "SecRule REQUEST_FILENAME \"@", exact ? "streq " : "beginsWith ", match,
          "\" \"t:none,t:urlDecodeUni,t:normalizePath");
      const auto without = [&text, &one](absl::string_view by, const auto& rule) {
        if (one.targets().empty()) absl::StrAppend(&text, ",ctl:ruleRemove", by, "=", rule);
        for (const std::string& target : one.targets()) {
          absl::StrAppend(&text, ",ctl:ruleRemoveTarget", by, "=", rule, ";", target);
        }
      };
      for (const uint32_t id : one.rule_ids()) without("ById", id);
      for (const std::string& tag : one.rule_tags()) without("ByTag", tag);
      absl::StrAppend(&text, "\"\n");
    });
    if (!text.empty()) AddOurs(path_.Field("exclusions"), std::move(text));
  }

  void ExcludeEverywhere(const v3::Rules& proto) {
    std::string text;
    ForEachExclusion(proto, false, [&](const v3::Exclusion& one, const config::Path& at, int) {
      CheckExclusion(one, at);
      const auto without = [&text, &one](absl::string_view by, const auto& rule) {
        if (one.targets().empty()) {
          absl::StrAppend(&text, "SecRuleRemove", by, " ", rule, "\n");
        }
        for (const std::string& target : one.targets()) {
          absl::StrAppend(&text, "SecRuleUpdateTarget", by, " ", rule, " \"!", target, "\"\n");
        }
      };
      for (const uint32_t id : one.rule_ids()) without("ById", id);
      for (const std::string& tag : one.rule_tags()) without("ByTag", tag);
    });
    if (!text.empty()) AddOurs(path_.Field("exclusions"), std::move(text));
  }

  const config::Path path_;
  config::Errors& errors_;
  RuleSource source_;
};

void AddErrors(const std::vector<RuleError>& found, const config::Path& path,
               config::Errors& errors) {
  for (const RuleError& error : found) {
    errors.Add(path, error.line == 0
                         ? absl::StrCat(error.name, ": ", error.reason)
                         : absl::StrCat(error.name, ": line ", error.line, ": ", error.reason));
  }
}

// The data that rules name, behind `key`: what they were compiled with is part of what they are.
void AppendData(const RuleCheck& check, std::string& key, std::vector<RuleError>& wrong) {
  for (const RuleCheck::DataFile& file : check.data_files) {
    std::string name = file.name;
    if (!absl::StartsWith(name, "/")) {
      const size_t slash = file.text_name.rfind('/');
      if (file.text_name[0] != '/' || slash == std::string::npos) {
        wrong.push_back({file.text_name, file.line,
                         absl::StrCat("'", name, "': expected a file's absolute name")});
        continue;
      }
      name = absl::StrCat(file.text_name.substr(0, slash + 1), name);
    }
    const absl::StatusOr<std::string> content = config::ReadFile(name, kMaxRuleTextBytes);
    if (!content.ok()) {
      wrong.push_back(
          {file.text_name, file.line, absl::StrCat("'", name, "' ", content.status().message())});
      continue;
    }
    absl::StrAppend(&key, name, absl::string_view("\0", 1), *content, absl::string_view("\0", 1));
  }
}

}  // namespace

RuleSource MakeRuleSource(const v3::Rules& proto, const config::Path& path,
                          config::Errors& errors) {
  return SourceWriter(path, errors).Write(proto);
}

std::shared_ptr<const RuleSet> CompileRules(const v3::Rules& proto, const config::Path& path,
                                            config::Errors& errors) {
  // By all their bytes: a hash that two sets share would let a wrong one pass.
  static SharedTable<std::string, RuleCheck> checks;
  static SharedTable<std::string, RuleSet> compiled;
  const size_t before = errors.count();
  const RuleSource source = MakeRuleSource(proto, path, errors);
  if (errors.count() != before) return nullptr;
  std::string key;
  for (const RuleText& text : source.texts) {
    absl::StrAppend(&key, text.name, absl::string_view("\0", 1), static_cast<int>(text.origin),
                    text.text, absl::string_view("\0", 1));
  }
  std::vector<RuleError> wrong;
  const auto check = checks.FindOrMake(key, [&source, &wrong] { return Check(source, wrong); });
  if (check != nullptr) AppendData(*check, key, wrong);
  std::shared_ptr<const RuleSet> rules;
  if (wrong.empty()) {
    rules = compiled.FindOrMake(
        key, [&source, &check, &wrong] { return CompileModSecurity(source, check, wrong); });
  }
  AddErrors(wrong, path, errors);
  return rules;
}

}  // namespace proxenos::waf
