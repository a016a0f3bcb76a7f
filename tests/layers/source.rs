//! As much of Rust as it takes to see which paths a file names.
//!
//! Searching for `crate::` in lines would miss groups that span several and find comments, texts
//! and tests. Tokens are enough for the difference; a syntax tree would need a dependency.

/// A source file without its comments, texts and tests.
pub(crate) struct Source {
    tokens: Vec<String>,
    /// Modules in files of their own that exist only in tests.
    pub(crate) test_modules: Vec<String>,
}

impl Source {
    pub(crate) fn read(text: &str) -> Self {
        let (tokens, test_modules) = without_tests(tokens(text));
        Self { tokens, test_modules }
    }

    /// What follows `head::` wherever a path begins with `head`; of a group, what each of its
    /// members begins with.
    pub(crate) fn segments_after(&self, head: &str) -> Vec<String> {
        let mut segments = Vec::new();
        for (at, _) in self.tokens.iter().enumerate().filter(|(_, token)| *token == head) {
            if !self.begins_path(at) || self.token(at + 1) != "::" {
                continue;
            }
            match self.token(at + 2) {
                "{" => segments.extend(self.group(at + 2)),
                segment => segments.push(segment.to_owned()),
            }
        }
        segments
    }

    /// The most `super` in a row.
    pub(crate) fn longest_super(&self) -> usize {
        let (mut longest, mut run) = (0, 0);
        for token in &self.tokens {
            run = match token.as_str() {
                "super" => run + 1,
                "::" => run,
                _ => 0,
            };
            longest = longest.max(run);
        }
        longest
    }

    fn token(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", String::as_str)
    }

    /// Whether the name at `at` is a path's first, possibly after a leading `::`.
    fn begins_path(&self, at: usize) -> bool {
        let before = |n: usize| at.checked_sub(n).map_or("", |at| self.token(at));
        before(1) != "::" || !(is_name(before(2)) || before(2) == ">")
    }

    /// The first name of each member of the group that opens at `open`.
    fn group(&self, open: usize) -> Vec<String> {
        let mut depth = 0;
        let mut members = Vec::new();
        for at in open..self.tokens.len() {
            match self.token(at) {
                "{" => depth += 1,
                "}" => depth -= 1,
                name if depth == 1 && matches!(self.token(at - 1), "{" | ",") => {
                    members.push(name.to_owned());
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        members
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Leaves out every item under `#[cfg(test)]`; says which of them were modules in other files.
fn without_tests(tokens: Vec<String>) -> (Vec<String>, Vec<String>) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut modules = Vec::new();
    let mut rest = tokens.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if rest.len() < MARK.len() || rest[..MARK.len()] != MARK {
            kept.push(first.clone());
            rest = after;
            continue;
        }
        let (item, after) = rest.split_at(MARK.len() + item_length(&rest[MARK.len()..]));
        if let [.., keyword, name, end] = item
            && keyword == "mod"
            && end == ";"
        {
            modules.push(name.clone());
        }
        rest = after;
    }
    (kept, modules)
}

/// An item ends with a semicolon, or with the brace that closes its body.
fn item_length(tokens: &[String]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        let next = tokens.get(at + 1).map(String::as_str);
        if depth == 0 && (token == ";" || (token == "}" && next != Some(";"))) {
            return at + 1;
        }
    }
    tokens.len()
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest).unwrap_or_else(|| {
            let length = match first {
                _ if first.is_alphanumeric() || first == '_' => {
                    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
                }
                ':' if rest.starts_with("::") => 2,
                _ => first.len_utf8(),
            };
            tokens.push(rest[..length].to_owned());
            length
        });
        rest = &rest[length..];
    }
    tokens
}

/// The length of the white space, comment or literal at the beginning, if one is there.
fn skipped(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    let to_end_of = |end: &str, from: usize| {
        text[from..].find(end).map_or(text.len(), |found| from + found + end.len())
    };
    if first.is_whitespace() {
        return Some(first.len_utf8());
    }
    if text.starts_with("//") {
        return Some(to_end_of("\n", 2));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    let raw = text.strip_prefix("br").or_else(|| text.strip_prefix('r'));
    if let Some(raw) = raw {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let from = text.len() - raw.len() + hashes + 1;
            return Some(to_end_of(&format!("\"{}", "#".repeat(hashes)), from));
        }
    }
    match first {
        '"' => Some(quoted(text, '"')),
        // A lifetime has no second quote after one character.
        '\'' if text.starts_with("'\\") || text.chars().nth(2) == Some('\'') => {
            Some(quoted(text, '\''))
        }
        _ => None,
    }
}

fn quoted(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == quote {
            return at + 1;
        }
    }
    text.len()
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}
