// What of the web application firewall, whose messages are proxenos' own, is honoured: all of it.
#include "source/config/fields_table.h"

namespace proxenos::config {

std::vector<MessageRules> WafFields() {
  return {
      {"proxenos.filters.http.waf.v3.Waf", {Use("*")}},
      {"proxenos.filters.http.waf.v3.Rules", {Use("*")}},
      {"proxenos.filters.http.waf.v3.SecLang", {Use("*")}},
      {"proxenos.filters.http.waf.v3.CoreRuleSet", {Use("*")}},
      {"proxenos.filters.http.waf.v3.Exclusion", {Use("*")}},
      {"proxenos.filters.http.waf.v3.Exclusion.Path", {Use("*")}},
      {"proxenos.filters.http.waf.v3.RequestInspection", {Use("*")}},
      {"proxenos.filters.http.waf.v3.ResponseInspection", {Use("*")}},
      {"proxenos.filters.http.waf.v3.Pool", {Use("*")}},
      {"proxenos.filters.http.waf.v3.FailurePolicy", {Use("*")}},
      {"proxenos.filters.http.waf.v3.AuditLog", {Use("*")}},
      {"proxenos.filters.http.waf.v3.WafPerRoute", {Use("*")}},
      {"proxenos.filters.http.waf.v3.Overrides", {Use("*")}},
  };
}

}  // namespace proxenos::config
