//! The figures in `docs/performance.md`: the run replaces what stands between two markers, so the
//! page never says what was not measured.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::plot;
use crate::results::{Figure, Results};
use crate::table::{Bound, ROWS, Row, number};

const BEGIN: &str = "<!-- begin of what `cargo bench --bench system -- --write-docs` writes -->\n";
const END: &str = "<!-- end of it -->\n";

/// Writes table and plots from all figures there are.
pub(crate) fn write(results: &Results) -> Outcome<()> {
    let page = docs("performance.md");
    let text = fs::read_to_string(&page)?;
    let (before, rest) = text.split_once(BEGIN).ok_or("docs/performance.md has no beginning")?;
    let (_, after) = rest.split_once(END).ok_or("docs/performance.md has no end")?;
    let figures = figures(results);
    fs::write(page, format!("{before}{BEGIN}\n{figures}\n{END}{after}"))?;
    fs::write(docs("performance.svg"), plot::draw(results))?;
    Ok(())
}

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

fn figures(results: &Results) -> String {
    let mut text = format!("Measured on {}.\n\n", machine());
    text.push_str(
        "| measure | at | value | against | ratio | must | towards | reached | measured |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let mut notes = String::from("\nMore about each:\n\n");
    for row in ROWS {
        let Some(figure) = results.of(row.name).find(|figure| figure.size == row.size) else {
            let _ = writeln!(text, "| {} | {} | not measured | | | | | | |", row.text, row.size);
            continue;
        };
        line(&mut text, row, figure);
        if !figure.note.is_empty() {
            let _ = writeln!(notes, "- `{}`: {}.", row.name, figure.note);
        }
    }
    let single: Vec<&str> = ROWS
        .iter()
        .filter(|row| row.measure.grows() && results.of(row.name).count() < 2)
        .map(|row| row.name)
        .collect();
    if !single.is_empty() {
        let _ =
            writeln!(notes, "\nNot drawn, as measured at one size only: {}.", single.join(", "));
    }
    text + &notes
}

fn line(text: &mut String, row: &Row, figure: &Figure) {
    let (against, must, towards) = match row.bound {
        Bound::Share(must, towards) => {
            (number(figure.reference), format!("{must}"), format!("{towards}"))
        }
        Bound::AtLeast(must, towards) | Bound::AtMost(must, towards) => {
            (String::new(), number(must), number(towards))
        }
    };
    let reached = if row.bound.is_reached(figure) { "yes" } else { "**no**" };
    let short = if figure.quick { ", a short run" } else { "" };
    let _ = writeln!(
        text,
        "| {} (`{}`) | {} | {} {} | {against} | {:.2} | {must} | {towards} | {reached} | {} at {}{short} |",
        row.text,
        row.name,
        row.size,
        number(figure.value),
        row.unit,
        figure.ratio,
        figure.date,
        figure.commit,
    );
}

/// What the figures were measured on, as the kernel describes it.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
    };
    let processor = field(&read("/proc/cpuinfo"), "model name").unwrap_or_default();
    let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
    let memory = memory.trim_end_matches(" kB").parse().unwrap_or(0.0) / 1_048_576.0;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} cores of {processor}, {memory:.0} GiB of memory, Linux {}", kernel.trim())
}
