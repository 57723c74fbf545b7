// The table against the API: a misspelt name in it would quietly reject, or let through, the wrong
// field.
#include "source/config/fields_table.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "source/config/typed_config.h"

namespace proxenos::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;

const DescriptorPool& Pool() { return *DescriptorPool::generated_pool(); }

// The message type that a block is about: named itself, or by a field that holds it.
const Descriptor* TypeOf(std::string_view block) {
  const std::string name(block);
  if (const Descriptor* type = Pool().FindMessageTypeByName(name)) return type;
  const FieldDescriptor* field = Pool().FindFieldByName(name);
  return field == nullptr ? nullptr : field->message_type();
}

std::vector<std::string> Split(std::string_view names) {
  std::vector<std::string> all;
  for (std::string_view name = NextName(names); !name.empty(); name = NextName(names)) {
    all.emplace_back(name);
  }
  return all;
}

bool IsPlainMessage(const Descriptor* type) {
  return type != nullptr && type->well_known_type() == Descriptor::WELLKNOWNTYPE_UNSPECIFIED;
}

std::set<std::string> BlockNames() {
  std::set<std::string> names;
  for (const MessageRules& block : FieldsTable()) names.emplace(block.name);
  return names;
}

TEST(FieldsTableTest, EveryBlockAndFieldExistsAndIsNamedOnce) {
  std::set<std::string> blocks;
  for (const MessageRules& block : FieldsTable()) {
    EXPECT_TRUE(blocks.emplace(block.name).second) << block.name << " has two blocks";
    const Descriptor* type = TypeOf(block.name);
    ASSERT_NE(nullptr, type) << block.name;
    std::set<std::string> fields;
    for (const FieldRule& rule : block.rules) {
      for (const std::string& name : Split(rule.names)) {
        EXPECT_TRUE(fields.insert(name).second) << block.name << "." << name << " has two rows";
        EXPECT_TRUE(name == "*" || type->FindFieldByName(name) != nullptr)
            << block.name << "." << name;
      }
    }
  }
}

TEST(FieldsTableTest, EveryHonouredMessageHasABlockOfItsOwn) {
  const std::set<std::string> blocks = BlockNames();
  for (const MessageRules& block : FieldsTable()) {
    const Descriptor* type = TypeOf(block.name);
    ASSERT_NE(nullptr, type);
    for (const FieldRule& rule : block.rules) {
      if (rule.verdict != FieldRow::Verdict::kHonoured) continue;
      for (int i = 0; i < type->field_count(); ++i) {
        const FieldDescriptor& field = *type->field(i);
        const std::vector<std::string> names = Split(rule.names);
        const bool named =
            rule.names == "*" || std::find(names.begin(), names.end(), field.name()) != names.end();
        const FieldDescriptor& value = field.is_map() ? *field.message_type()->map_value() : field;
        if (!named || !IsPlainMessage(value.message_type())) continue;
        if (rule.only == "{}") continue;  // Nothing of it is honoured.
        EXPECT_TRUE(blocks.count(field.full_name()) != 0 ||
                    blocks.count(value.message_type()->full_name()) != 0)
            << block.name << "." << field.name() << " is honoured, but no block says what of "
            << value.message_type()->full_name();
      }
    }
  }
}

TEST(FieldsTableTest, EveryBlockIsReachable) {
  // A block of a field counts only below a message that is honoured at that field.
  for (const MessageRules& block : FieldsTable()) {
    const FieldDescriptor* field = Pool().FindFieldByName(std::string(block.name));
    if (field == nullptr) continue;
    bool honoured = false;  // By the block of the message, or of a field that holds one.
    for (const MessageRules& parent : FieldsTable()) {
      if (TypeOf(parent.name) != field->containing_type()) continue;
      for (const FieldRule& rule : parent.rules) {
        if (rule.verdict != FieldRow::Verdict::kHonoured) continue;
        for (const std::string& name : Split(rule.names)) {
          honoured = honoured || name == field->name();
        }
      }
    }
    EXPECT_TRUE(honoured) << block.name;
  }
}

TEST(FieldsTableTest, ReasonsAndValues) {
  const std::set<std::string> blocks = BlockNames();
  for (const MessageRules& block : FieldsTable()) {
    const Descriptor* type = TypeOf(block.name);
    ASSERT_NE(nullptr, type);
    for (const FieldRule& rule : block.rules) {
      const std::string where = std::string(block.name) + ": " + std::string(rule.names);
      if (rule.verdict == FieldRow::Verdict::kIgnored) {
        // A reason is a sentence: it is shown to users as it stands.
        EXPECT_FALSE(rule.note.empty()) << where;
        EXPECT_EQ('.', rule.note.back()) << where;
      }
      if (rule.verdict == FieldRow::Verdict::kRejected) {
        EXPECT_FALSE(rule.note.empty()) << where;
      }
      for (const std::string& name : Split(rule.names)) {
        const FieldDescriptor* field = type->FindFieldByName(name);
        if (field == nullptr) continue;
        // The types that a typed_config may have must have blocks, else they are not accepted.
        if (field->message_type() != nullptr &&
            field->message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_ANY) {
          for (const std::string& value : Split(rule.only)) {
            EXPECT_EQ(1u, blocks.count(value)) << where << " " << value;
          }
        }
        if (field->enum_type() == nullptr) continue;
        for (const std::string& value : Split(rule.only)) {
          EXPECT_NE(nullptr, field->enum_type()->FindValueByName(value)) << where << " " << value;
        }
      }
    }
  }
}

TEST(FieldsTableTest, RowsShowTheWholeTable) {
  size_t honoured = 0;
  size_t ignored = 0;
  for (const FieldRow& row : FieldRows()) {
    honoured += row.verdict == FieldRow::Verdict::kHonoured;
    ignored += row.verdict == FieldRow::Verdict::kIgnored;
  }
  EXPECT_GT(honoured, 200u);
  EXPECT_GT(ignored, 30u);
}

}  // namespace
}  // namespace proxenos::config
