//! The words of a WQL query.

/// A word or sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A name, a keyword, a number or `*`.
    Word(&'t str),
    /// A literal in quotation marks, without them.
    Text(String),
    /// A comparison, a comma or a parenthesis.
    Sign(&'t str),
}

/// The tokens of a query; none if it is not one.
pub(super) fn tokens(query: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => {
                let (text, length) = literal(rest, first)?;
                tokens.push(Token::Text(text));
                length
            }
            '(' | ')' | ',' | '=' | '<' | '>' | '!' => {
                let two = ["<=", ">=", "<>", "!="].iter().any(|sign| rest.starts_with(sign));
                let length = if two { 2 } else { 1 };
                tokens.push(Token::Sign(rest.get(..length)?));
                length
            }
            _ => {
                let is_part = |c: char| c.is_alphanumeric() || "_.*+-".contains(c);
                let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                if length == 0 {
                    return None;
                }
                tokens.push(Token::Word(rest.get(..length)?));
                length
            }
        };
        rest = rest.get(length..)?.trim_start();
    }
    Some(tokens)
}

/// The literal that `text` begins with, and its length with both marks. A backslash stands for
/// the character after it, and a mark that is doubled for itself.
fn literal(text: &str, mark: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' {
            value.push(characters.next()?.1);
        } else if c != mark {
            value.push(c);
        } else if characters.next_if(|(_, next)| *next == mark).is_some() {
            value.push(mark);
        } else {
            return Some((value, at + mark.len_utf8()));
        }
    }
    None
}
