// The table as a whole: its parts joined, and its rows for documentation.
#include "source/config/fields_table.h"

#include <iterator>
#include <utility>

namespace proxenos::config {

std::string_view NextName(std::string_view& names) {
  const size_t start = names.find_first_not_of(' ');
  if (start == std::string_view::npos) return names = {};
  names.remove_prefix(start);
  const std::string_view name = names.substr(0, names.find(' '));
  names.remove_prefix(name.size());
  return name;
}

const std::vector<MessageRules>& FieldsTable() {
  static const std::vector<MessageRules> table = [] {
    std::vector<MessageRules> all;
    for (auto part :
         {AccessFields, AuthFields, BodyFields, BootstrapFields, CelFields, ListenerFields,
          NetworkFields, FilterFields, RouteFields, ClusterFields, CoreFields, HealthFields,
          LogFields, LuaFields, TlsFields, TracingFields, UdpFields, WafFields}) {
      std::vector<MessageRules> blocks = part();
      all.insert(all.end(), std::make_move_iterator(blocks.begin()),
                 std::make_move_iterator(blocks.end()));
    }
    return all;
  }();
  return table;
}

std::vector<FieldRow> FieldRows() {
  std::vector<FieldRow> rows;
  for (const MessageRules& block : FieldsTable()) {
    if (block.rules.empty()) {  // A message without fields that is accepted as such.
      rows.push_back({block.name, {}, FieldRow::Verdict::kHonoured, {}, {}});
    }
    for (const FieldRule& rule : block.rules) {
      std::string_view names = rule.names;
      for (std::string_view name = NextName(names); !name.empty(); name = NextName(names)) {
        rows.push_back({block.name, name, rule.verdict, rule.note, rule.only});
      }
    }
  }
  return rows;
}

}  // namespace proxenos::config
