//! What was seen, as a picture: a few lines of SVG (<https://www.w3.org/TR/SVG11/>).

use std::{
    fmt::{self, Write as _},
    ops::Range,
};

use crate::{cases::HEALED_LIMIT, sim::Tally};

const WIDTH: f64 = 860.0;
const PANEL: f64 = 250.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 64.0;
const GAP: f64 = 84.0;
/// The share of the fleet at the top of a panel.
const FULL: f64 = 0.0225;
/// So many seconds are one step of a line, which shows the busiest of them.
const STEP: usize = 10;
const COLOURS: [&str; 3] = ["#0060a8", "#c05000", "#3a7d34"];

/// One set of axes.
#[derive(Debug)]
pub(crate) struct Panel<'a> {
    pub(crate) title: String,
    /// The seconds that are shown.
    pub(crate) seconds: Range<usize>,
    /// The second that is minute nought.
    pub(crate) origin: usize,
    /// When the issuer was down.
    pub(crate) outage: Option<Range<usize>>,
    /// What is shown, each with its name.
    pub(crate) lines: Vec<(&'static str, &'a Tally)>,
}

/// The picture of these panels, one below the other.
pub(crate) fn svg(title: &str, hosts: u32, panels: &[Panel<'_>]) -> Result<String, fmt::Error> {
    let mut svg = String::new();
    let count = f64::from(u32::try_from(panels.len()).unwrap_or_default());
    let height = TOP + count * (PANEL + GAP);
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(svg, r##"<rect width="{WIDTH}" height="{height}" fill="#fff"/>"##)?;
    writeln!(svg, r#"<text x="{LEFT}" y="26" font-size="16" font-weight="bold">{title}</text>"#)?;
    for (nth, panel) in panels.iter().enumerate() {
        let nth = f64::from(u32::try_from(nth).unwrap_or_default());
        panel.draw(&mut svg, TOP + nth * (PANEL + GAP), hosts)?;
    }
    writeln!(svg, "</svg>")?;
    Ok(svg)
}

impl Panel<'_> {
    fn draw(&self, svg: &mut String, top: f64, hosts: u32) -> fmt::Result {
        writeln!(svg, r#"<g transform="translate(0 {top})">"#)?;
        writeln!(svg, r#"<text x="{LEFT}" y="-10" font-weight="bold">{}</text>"#, self.title)?;
        self.shade(svg)?;
        self.heights(svg, hosts)?;
        self.minutes(svg)?;
        for (line, colour) in self.lines.iter().zip(COLOURS) {
            self.line(svg, line.1, colour)?;
        }
        self.legend(svg)?;
        writeln!(svg, "</g>")
    }

    /// Shades the outage.
    fn shade(&self, svg: &mut String) -> fmt::Result {
        let Some(outage) = &self.outage else { return Ok(()) };
        let (from, to) = (self.x(outage.start), self.x(outage.end));
        writeln!(
            svg,
            r##"<rect x="{from:.1}" y="0" width="{:.1}" height="{PANEL}" fill="#f1e4e4"/>"##,
            to - from
        )?;
        writeln!(svg, r##"<text x="{:.1}" y="16" fill="#844">Airbyte is down</text>"##, from + 6.0)
    }

    /// The vertical axis, and the limit.
    fn heights(&self, svg: &mut String, hosts: u32) -> fmt::Result {
        let right = WIDTH - RIGHT;
        for share in [0.0, 0.005, 0.01, 0.015, HEALED_LIMIT] {
            let (y, count) = (y(share), share * f64::from(hosts));
            let (colour, dash) = if share < HEALED_LIMIT { ("#ddd", "none") } else { ("#b00", "6 4") };
            writeln!(
                svg,
                r#"<line x1="{LEFT}" y1="{y:.1}" x2="{right}" y2="{y:.1}" stroke="{colour}" stroke-dasharray="{dash}"/>"#
            )?;
            writeln!(
                svg,
                r#"<text x="{:.0}" y="{:.1}" text-anchor="end">{count:.0}</text>"#,
                LEFT - 8.0,
                y + 4.0
            )?;
        }
        let middle = PANEL / 2.0;
        writeln!(
            svg,
            r#"<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">exchanges per second</text>"#
        )
    }

    /// The horizontal axis.
    fn minutes(&self, svg: &mut String) -> fmt::Result {
        let right = WIDTH - RIGHT;
        writeln!(svg, r##"<line x1="{LEFT}" y1="{PANEL}" x2="{right}" y2="{PANEL}" stroke="#000"/>"##)?;
        for second in self.seconds.clone().filter(|second| second.abs_diff(self.origin) % 300 == 0) {
            let x = self.x(second);
            let sign = if second < self.origin { "-" } else { "" };
            let minute = second.abs_diff(self.origin) / 60;
            writeln!(
                svg,
                r##"<line x1="{x:.1}" y1="{PANEL}" x2="{x:.1}" y2="{}" stroke="#000"/>"##,
                PANEL + 5.0
            )?;
            writeln!(
                svg,
                r#"<text x="{x:.1}" y="{}" text-anchor="middle">{sign}{minute}</text>"#,
                PANEL + 20.0
            )?;
        }
        writeln!(svg, r#"<text x="{right}" y="{}" text-anchor="end">minutes</text>"#, PANEL + 38.0)
    }

    fn line(&self, svg: &mut String, tally: &Tally, colour: &str) -> fmt::Result {
        write!(svg, r#"<polyline fill="none" stroke="{colour}" stroke-width="1.5" points=""#)?;
        for second in self.seconds.clone().step_by(STEP) {
            let peak = tally.peak(second..(second + STEP).min(self.seconds.end));
            write!(svg, "{:.1},{:.1} ", self.x(second), y(peak))?;
        }
        writeln!(svg, r#""/>"#)
    }

    fn legend(&self, svg: &mut String) -> fmt::Result {
        let mut x = LEFT;
        let y = PANEL + 38.0;
        let names = self.lines.iter().map(|line| line.0).zip(COLOURS);
        for (name, colour) in names.chain([("limit after an outage: 2 % of the hosts", "#b00")]) {
            writeln!(
                svg,
                r#"<line x1="{x}" y1="{0}" x2="{1}" y2="{0}" stroke="{colour}" stroke-width="3"/>"#,
                y - 4.0,
                x + 18.0
            )?;
            writeln!(svg, r#"<text x="{}" y="{y}">{name}</text>"#, x + 24.0)?;
            x += 44.0 + 6.6 * f64::from(u32::try_from(name.len()).unwrap_or_default());
        }
        Ok(())
    }

    fn x(&self, second: usize) -> f64 {
        let number = |number| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let share = number(second.saturating_sub(self.seconds.start)) / number(self.seconds.len().max(1));
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }
}

/// How far below the top of its panel a share of the fleet is drawn.
fn y(share: f64) -> f64 {
    PANEL * (1.0 - share.min(FULL) / FULL)
}
