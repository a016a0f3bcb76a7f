//! Whether a value is what a schema says, and what is wrong with it if not.
//!
//! Requests are checked against the very schemas that the description of the API consists of, before
//! anything is made of them: so the description cannot promise what the server refuses, and
//! whoever made a mistake reads all of it at once, with the names of the fields. It knows the part
//! of JSON Schema that our own types come to.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::admin::FieldError;

/// Most errors that are told at once.
pub(super) const TOLD: usize = 20;
/// Most levels of a value. Our own types have five.
const DEPTH: usize = 32;

/// How schemas of our types are made.
pub(crate) fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with_transform(with_bounds)
}

/// What is wrong with `value`, which is to be what `schema` says. References are looked up in
/// `root`.
pub fn check(root: &Value, schema: &Value, value: &Value) -> Vec<FieldError> {
    let mut found = Vec::new();
    Check { root, found: &mut found }.value(schema, value, String::new(), 0);
    found.truncate(TOLD);
    found
}

/// The schema that a reference leads to, or the schema itself.
pub(super) fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let Some(reference) = schema["$ref"].as_str() else { return schema };
    let pointer = reference.strip_prefix('#').unwrap_or_default();
    root.pointer(pointer).unwrap_or(&Value::Null)
}

struct Check<'a> {
    root: &'a Value,
    found: &'a mut Vec<FieldError>,
}

impl Check<'_> {
    fn value(&mut self, schema: &Value, value: &Value, at: String, depth: usize) {
        if depth > DEPTH || self.found.len() >= TOLD {
            return;
        }
        let schema = resolve(self.root, schema);
        if schema == &Value::Bool(false) {
            return self.wrong(&at, "is not known here");
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.value(part, value, at.clone(), depth + 1);
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(parts) = schema[choice].as_array()
                && !parts.iter().any(|part| self.fits(part, value, depth))
            {
                return self.no_choice(parts, value, at, depth);
            }
        }
        if let Some(expected) = schema.get("const")
            && expected != value
        {
            return self.wrong(&at, format!("has to be {expected}"));
        }
        if let Some(choices) = schema["enum"].as_array()
            && !choices.contains(value)
        {
            let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
            return self.wrong(&at, format!("has to be one of {}", choices.join(", ")));
        }
        if let Some(kinds) = kinds(schema)
            && !kinds.iter().any(|kind| is(kind, value))
        {
            return self.wrong(&at, format!("has to be {}", kinds.join(" or ")));
        }
        match value {
            Value::Number(number) => self.number(schema, number.as_f64().unwrap_or(0.0), &at),
            Value::String(text) => self.text(schema, text, &at),
            Value::Array(items) => self.items(schema, items, at, depth),
            Value::Object(fields) => self.fields(schema, fields, at, depth),
            _ => {}
        }
    }

    fn fits(&self, schema: &Value, value: &Value, depth: usize) -> bool {
        let mut found = Vec::new();
        Check { root: self.root, found: &mut found }.value(schema, value, String::new(), depth + 1);
        found.is_empty()
    }

    /// Of choices where one is null, the other is what was meant; of others, all that may be said.
    fn no_choice(&mut self, parts: &[Value], value: &Value, at: String, depth: usize) {
        let mut meant = parts.iter().filter(|part| part["type"] != "null");
        if let (Some(meant), None) = (meant.next(), meant.next()) {
            return self.value(meant, value, at, depth + 1);
        }
        let constants: Vec<String> =
            parts.iter().filter_map(|part| part.get("const")).map(Value::to_string).collect();
        match constants.is_empty() {
            true => self.wrong(&at, "is none of the forms that it may have"),
            false => self.wrong(&at, format!("has to be one of {}", constants.join(", "))),
        }
    }

    fn number(&mut self, schema: &Value, number: f64, at: &str) {
        if schema["minimum"].as_f64().is_some_and(|least| number < least) {
            self.wrong(at, format!("has to be at least {}", schema["minimum"]));
        } else if schema["maximum"].as_f64().is_some_and(|most| number > most) {
            self.wrong(at, format!("has to be at most {}", schema["maximum"]));
        }
    }

    fn text(&mut self, schema: &Value, text: &str, at: &str) {
        let length = text.chars().count() as u64;
        if schema["minLength"].as_u64().is_some_and(|least| length < least) {
            self.wrong(at, format!("has to have at least {} characters", schema["minLength"]));
        }
        if schema["maxLength"].as_u64().is_some_and(|most| length > most) {
            self.wrong(at, format!("has to have at most {} characters", schema["maxLength"]));
        }
        if schema["format"] == "uuid" && Uuid::try_parse(text).is_err() {
            self.wrong(at, "has to be a UUID");
        }
    }

    fn items(&mut self, schema: &Value, items: &[Value], at: String, depth: usize) {
        if let Some(of) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.value(of, item, format!("{at}/{index}"), depth + 1);
            }
        }
        let unique = schema["uniqueItems"] == true;
        let twice = |(index, item): (usize, &Value)| items.iter().take(index).any(|it| it == item);
        // Quadratic, so only where that is nothing; sets take what is said twice as said once.
        if unique && items.len() <= 1000 && items.iter().enumerate().any(twice) {
            self.wrong(&at, "names something twice");
        }
    }

    fn fields(&mut self, schema: &Value, fields: &Map<String, Value>, at: String, depth: usize) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                self.wrong(&format!("{at}/{name}"), "is missing");
            }
        }
        let known = schema["properties"].as_object();
        for (name, value) in fields {
            let at = format!("{at}/{name}");
            let own = known.and_then(|known| known.get(name));
            if let Some(schema) = own.or_else(|| schema.get("additionalProperties")) {
                self.value(schema, value, at, depth + 1);
            }
        }
    }

    fn wrong(&mut self, at: &str, problem: impl Into<String>) {
        let field = at.trim_start_matches('/').to_owned();
        self.found.push(FieldError { field, problem: problem.into() });
    }
}

/// The types that a schema allows, if it says so.
pub(super) fn kinds(schema: &Value) -> Option<Vec<&str>> {
    match &schema["type"] {
        Value::String(kind) => Some(vec![kind]),
        Value::Array(kinds) => Some(kinds.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

/// Says in a schema what its formats of numbers mean, which JSON Schema leaves to whoever knows them.
pub(crate) fn with_bounds(schema: &mut Schema) {
    let (least, most) = match schema.get("format").and_then(Value::as_str) {
        Some("int16") => (i16::MIN.into(), i16::MAX.into()),
        Some("int32") => (i32::MIN.into(), i32::MAX.into()),
        Some("int64" | "int") => (i64::MIN, i64::MAX),
        Some("uint8") => (0, u8::MAX.into()),
        Some("uint16") => (0, u16::MAX.into()),
        Some("uint32") => (0, u32::MAX.into()),
        // Nothing here counts further than the signed ones do.
        Some("uint" | "uint64") => (0, i64::MAX),
        _ => (i64::MIN, i64::MAX),
    };
    if schema.get("format").and_then(Value::as_str).is_some_and(|it| it.contains("int")) {
        for (name, bound) in [("minimum", least), ("maximum", most)] {
            if schema.get(name).is_none() {
                schema.insert(name.to_owned(), bound.into());
            }
        }
    }
    transform_subschemas(&mut with_bounds, schema);
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde_json::json;

    use super::*;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        id: Uuid,
        count: Option<u8>,
        kind: Option<Kind>,
        #[schemars(length(min = 1, max = 3))]
        names: Vec<String>,
        inner: Option<Inner>,
    }

    #[derive(JsonSchema)]
    #[serde(rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Kind {
        /// With documentation, which makes it a list of constants.
        One,
        /// As this does.
        Two,
    }

    #[derive(JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        yes: bool,
    }

    fn wrong(value: Value) -> Vec<String> {
        let schema = settings().into_generator().into_root_schema_for::<Sample>().to_value();
        let found = check(&schema, &schema, &value);
        found.into_iter().map(|it| format!("{}: {}", it.field, it.problem)).collect()
    }

    #[test]
    fn every_mistake_is_named_where_it_is() {
        let id = Uuid::nil();
        assert_eq!(wrong(json!({ "id": id, "names": ["a"], "count": 255 })), [""; 0]);
        assert_eq!(wrong(json!({ "id": id, "names": [], "count": null, "kind": "two" })), [""; 0]);
        for (value, problem) in [
            (json!(7), ": has to be object"),
            (json!({ "names": [] }), "id: is missing"),
            (json!({ "id": "x", "names": [] }), "id: has to be a UUID"),
            (json!({ "id": id, "names": "a" }), "names: has to be array"),
            (json!({ "id": id, "names": [1] }), "names/0: has to be string"),
            (json!({ "id": id, "names": [], "count": 256 }), "count: has to be at most 255"),
            (json!({ "id": id, "names": [], "count": -1 }), "count: has to be at least 0"),
            (json!({ "id": id, "names": [], "count": 1.5 }), "count: has to be integer or null"),
            (
                json!({ "id": id, "names": [], "kind": "three" }),
                "kind: has to be one of \"one\", \"two\"",
            ),
            (json!({ "id": id, "names": [], "inner": {} }), "inner/yes: is missing"),
            (
                json!({ "id": id, "names": [], "inner": { "yes": true, "no": 1 } }),
                "inner/no: is not known here",
            ),
        ] {
            assert_eq!(wrong(value.clone()), [problem], "{value}");
        }
    }
}
