//! The description of the API for people, in Markdown: made of [`description`](super::describe), so
//! that it says nothing else.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::schema::resolve;

/// What stands above it.
const HEAD: &str = "\
# API reference

Every operation of the API with what it takes and answers, and every type. It is made by
`weir openapi --markdown` of what the server is made of, and a test holds it to that; [api.md](api.md) says
what all of them have in common. A field in *italics* may be left out.
";

/// The whole description as a page.
pub fn reference(description: &Value) -> String {
    let mut page = HEAD.to_owned();
    let none = Map::new();
    let paths = description["paths"].as_object().unwrap_or(&none);
    let mut about = "";
    for (path, methods) in paths {
        let subject = path.split('/').nth(3).unwrap_or_default();
        if subject != about {
            about = subject;
            line(&mut page, &format!("\n## {subject}"));
        }
        for (method, operation) in methods.as_object().unwrap_or(&none) {
            describe(&mut page, description, (method, path), operation);
        }
    }
    line(&mut page, "\n## Types");
    for (name, schema) in description["components"]["schemas"].as_object().unwrap_or(&none) {
        line(&mut page, &format!("\n### {name}\n"));
        line(&mut page, &text(schema));
        choices(&mut page, schema);
        fields(&mut page, schema);
    }
    page
}

fn describe(page: &mut String, root: &Value, (method, path): (&str, &str), operation: &Value) {
    let name = operation["operationId"].as_str().unwrap_or_default();
    line(page, &format!("\n### {name}\n\n`{} {path}`\n", method.to_ascii_uppercase()));
    line(page, &text(operation));
    let who = operation["x-role"].as_str().unwrap_or("anybody");
    line(page, &format!("\nFor: {who}."));
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let rows: Vec<_> = parameters
        .map(|it| {
            let place = it["in"].as_str().unwrap_or_default();
            let required = it["required"] == true;
            (
                it["name"].as_str().unwrap_or_default(),
                required,
                format!("{}, in the {place}", kind(&it["schema"])),
                text(it),
            )
        })
        .collect();
    table(page, &rows);
    let body = &operation["requestBody"];
    for (media, content) in body["content"].as_object().into_iter().flatten() {
        let description = text(body);
        line(page, &format!("\nBody: `{media}`. {description}"));
        fields(page, resolve(root, &content["schema"]));
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let content = &response["content"]["application/json"]["schema"];
        if status.starts_with('2') {
            line(page, &format!("\nAnswer {status}: {}", kind(content)));
        }
    }
}

fn fields(page: &mut String, schema: &Value) {
    let required = schema["required"].as_array();
    let needed = |name: &str| required.is_some_and(|all| all.iter().any(|it| it == name));
    let fields = schema["properties"].as_object().into_iter().flatten();
    let rows: Vec<_> = fields
        .map(|(name, schema)| (name.as_str(), needed(name), kind(schema), text(schema)))
        .collect();
    table(page, &rows);
}

/// The values that a type may have, where they are listed with what they mean.
fn choices(page: &mut String, schema: &Value) {
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        match choice.get("const") {
            Some(value) => line(page, &format!("- `{value}`: {}", text(choice))),
            None => line(page, &format!("- {}: {}", kind(choice), text(choice))),
        }
    }
}

fn table(page: &mut String, rows: &[(&str, bool, String, String)]) {
    if rows.is_empty() {
        return;
    }
    line(page, "\n| field | type | what it is |\n|---|---|---|");
    for (name, required, kind, text) in rows {
        let name = if *required { format!("`{name}`") } else { format!("*`{name}`*") };
        line(page, &format!("| {name} | {kind} | {text} |"));
    }
}

/// A type in words, with a link where it has a name.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_ascii_lowercase());
    }
    for several in ["anyOf", "oneOf", "allOf"] {
        if let Some(parts) = schema[several].as_array() {
            let parts = parts.iter().filter(|it| it["type"] != "null").map(kind);
            return parts.collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().filter(|it| !it.is_null()).map(|it| format!("`{it}`"));
        return values.collect::<Vec<_>>().join(" or ");
    }
    let kinds = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let kind = kinds.into_iter().find(|kind| *kind != "null");
    match kind {
        Some("array") => format!("list of {}", self::kind(&schema["items"])),
        Some("object") => match schema["properties"].as_object() {
            Some(fields) => {
                let fields =
                    fields.iter().map(|(name, it)| format!("`{name}`: {}", self::kind(it)));
                format!("object of {}", fields.collect::<Vec<_>>().join(", "))
            }
            None => "object".to_owned(),
        },
        Some("string") if schema["format"] == "uuid" => "UUID".to_owned(),
        Some(kind) => kind.to_owned(),
        None => "anything".to_owned(),
    }
}

/// A description on one line, harmless in a table.
fn text(described: &Value) -> String {
    let text = described["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn line(page: &mut String, text: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(page, "{text}");
}
