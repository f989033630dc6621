// What a JSON schema says, keyword by keyword, with the place of each fault: "schema/properties/a".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/chat/json_text.h"

namespace fathom::grammar {

struct SchemaPart {
  const JsonValue* schema = nullptr;  // an object, true or false
  std::string place;
};

enum class JsonType : std::uint8_t { null, boolean, integer, number, string, array, object };

struct SchemaProperty {
  std::string name;
  std::optional<SchemaPart> schema;  // none: anything
  bool required = false;
};

struct ObjectShape {
  std::vector<SchemaProperty> properties;  // in the order to write them in
  bool open = false;                       // others may follow
  std::optional<SchemaPart> others;        // their schema; none: anything
};

[[noreturn]] void fail_schema(std::string_view place, std::string_view found, std::string_view expected);

// InputError unless it is an object or a boolean, and for every key that is not obeyed here and says something.
void check_keywords(const SchemaPart& part);
// The types that `type` names, or that its other keywords are about; all of them if it says nothing.
std::vector<JsonType> schema_types(const SchemaPart& part);
// The member of that name with its place.
std::optional<SchemaPart> find_part(const SchemaPart& part, std::string_view keyword);
// A count such as minItems.
std::optional<std::int64_t> find_count(const SchemaPart& part, std::string_view keyword);
// An object with `properties` or `required` is closed unless additionalProperties says otherwise.
ObjectShape object_shape(const SchemaPart& part);
// Where "#/$defs/name" points to from the root.
SchemaPart resolve_reference(const SchemaPart& root, std::string_view reference, std::string_view place);

}  // namespace fathom::grammar
