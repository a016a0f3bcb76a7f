//! How cost grows with the catalogue, as one drawing of many small panels.
//!
//! It is SVG written by hand: it stands in a page, follows the reader's light or dark theme, and
//! two runs can be compared line by line.

use std::fmt::Write;

use crate::options::Size;
use crate::results::{Figure, Results};
use crate::table::{Bound, ROWS, Row, number};

/// Panels beside each other.
const COLUMNS: usize = 3;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 180.0;

/// Room around the field of a panel: left, top, right, bottom.
const MARGINS: [f64; 4] = [52.0, 40.0, 26.0, 34.0];

const STYLE: &str = "<style>
  text { font: 11px system-ui, sans-serif; fill: #333 }
  .title { font-weight: 600 } .unit { fill: #777 } .value { text-anchor: middle }
  .tick { text-anchor: end; fill: #777 } .size { text-anchor: middle; fill: #777 }
  .axis { stroke: #999; fill: none } .must { stroke: #c0392b; stroke-dasharray: 4 3 }
  .line { stroke: #1f6fb2; stroke-width: 2; fill: none } .dot { fill: #1f6fb2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd } .unit, .tick, .size { fill: #999 } .axis { stroke: #777 }
    .must { stroke: #ff8a78 } .line { stroke: #6db3f2 } .dot { fill: #6db3f2 }
  }
</style>
";

/// Draws every row that was measured at more than one size.
pub(crate) fn draw(results: &Results) -> String {
    let panels: Vec<(&Row, Vec<&Figure>)> = ROWS
        .iter()
        .map(|row| (row, results.of(row.name).collect::<Vec<_>>()))
        .filter(|(_, figures)| figures.len() > 1)
        .collect();
    let width = WIDTH * COLUMNS as f64;
    let height = HEIGHT * panels.len().div_ceil(COLUMNS) as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>Figures by size of the catalogue</title>\n{STYLE}"
    );
    for (position, (row, figures)) in panels.iter().enumerate() {
        let x = (position % COLUMNS) as f64 * WIDTH;
        let y = (position / COLUMNS) as f64 * HEIGHT;
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        panel(&mut svg, row, figures);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, row: &Row, figures: &[&Figure]) {
    let [left, top, right, bottom] = MARGINS;
    let (field_width, field_height) = (WIDTH - left - right, HEIGHT - top - bottom);
    let (unit, must) = match row.bound {
        Bound::Share(must, _) => ("share of a bare server", must),
        Bound::AtLeast(must, _) | Bound::AtMost(must, _) => (row.unit, must),
    };
    let shown = |figure: &Figure| match row.bound {
        Bound::Share(..) => figure.ratio,
        _ => figure.value,
    };
    let largest = figures.iter().map(|figure| shown(figure)).fold(0.0, f64::max);
    // A limit that is far away would press the line to the ground.
    let shows_must = must <= largest * 4.0;
    let scale = nice(if shows_must { largest.max(must) } else { largest });
    let x = |size: Size| {
        let part = (size.revisions() / Size::Small.revisions()).ln()
            / (Size::Wsusscn2.revisions() / Size::Small.revisions()).ln();
        left + part * field_width
    };
    let y = |value: f64| top + field_height * (1.0 - value / scale);

    let _ = writeln!(svg, "<text class=\"title\" x=\"8\" y=\"16\">{}</text>", row.name);
    let _ = writeln!(svg, "<text class=\"unit\" x=\"8\" y=\"29\">{unit}</text>");
    for tick in [0.0, scale] {
        let _ = writeln!(
            svg,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            left - 6.0,
            y(tick) + 4.0,
            number(tick)
        );
    }
    let _ = writeln!(
        svg,
        "<path class=\"axis\" d=\"M{left} {top}V{:.1}H{:.1}\"/>",
        top + field_height,
        left + field_width
    );
    if shows_must {
        let level = y(must);
        let _ = writeln!(
            svg,
            "<path class=\"must\" d=\"M{left} {level:.1}H{:.1}\"><title>must: {}</title></path>",
            left + field_width,
            number(must)
        );
    }
    let points: Vec<String> = figures
        .iter()
        .map(|figure| format!("{:.1},{:.1}", x(figure.size), y(shown(figure))))
        .collect();
    let _ = writeln!(svg, "<polyline class=\"line\" points=\"{}\"/>", points.join(" "));
    for figure in figures {
        let (at, level) = (x(figure.size), y(shown(figure)));
        let _ = writeln!(
            svg,
            "<circle class=\"dot\" cx=\"{at:.1}\" cy=\"{level:.1}\" r=\"3\"/>\
             <text class=\"value\" x=\"{at:.1}\" y=\"{:.1}\">{}</text>\
             <text class=\"size\" x=\"{at:.1}\" y=\"{:.1}\">{}</text>",
            (level - 7.0).max(top - 2.0),
            number(shown(figure)),
            top + field_height + 16.0,
            figure.size
        );
    }
}

/// The next number from 1, 2 and 5 with zeros, for an axis to end at.
fn nice(largest: f64) -> f64 {
    let power = 10_f64.powf(largest.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|step| step * power)
        .into_iter()
        .find(|it| *it >= largest)
        .unwrap_or(1.0)
}
