//! Comma-separated values (RFC 4180) that a spreadsheet may open.
//!
//! A spreadsheet takes a cell that begins like a formula for one, and computers choose their own
//! names. Such a cell gets an apostrophe in front, which spreadsheets do not show.

/// Lines of cells, the first of them headings.
pub(super) fn csv(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = line(headings.iter().copied());
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str)));
    }
    text
}

fn line<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let cells: Vec<String> = cells.map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

fn cell(text: &str) -> String {
    let harmless = match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    match harmless.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", harmless.replace('"', "\"\"")),
        false => harmless,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_have_to_be() {
        let row = ["a", "b,c", "say \"no\"", "two\nlines", ""].map(str::to_owned).to_vec();
        let expected = "x,y\r\na,\"b,c\",\"say \"\"no\"\"\",\"two\nlines\",\r\n";
        assert_eq!(csv(&["x", "y"], &[row]), expected);
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("=cmd|'/c x'!A1,2", "\"'=cmd|'/c x'!A1,2\""),
            ("pc-1", "pc-1"),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
