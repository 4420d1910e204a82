//! The only place that prints: tables for people, and the same figures as JSON for programs.
#![expect(clippy::disallowed_methods, reason = "this is where the benchmark speaks")]

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::Path,
};

use serde_json::{Map, Value};

use crate::trouble::{Trouble, While as _};

/// Figures of one kind, a thing a row.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) key: &'static str,
    pub(crate) title: String,
    pub(crate) columns: &'static [Column],
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) key: &'static str,
    pub(crate) head: &'static str,
    pub(crate) decimals: usize,
}

/// A figure that is no number could not be had.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) figures: Vec<f64>,
}

impl Table {
    fn text(&self) -> String {
        let name_width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let mut text = format!("\n{}\n{:name_width$}", self.title, "");
        for column in self.columns {
            write!(text, "  {}", column.head).unwrap_or(());
        }
        for row in &self.rows {
            write!(text, "\n{:name_width$}", row.name).unwrap_or(());
            for (column, figure) in self.columns.iter().zip(&row.figures) {
                write!(text, "  {:>1$}", column.show(*figure), column.head.chars().count()).unwrap_or(());
            }
        }
        text
    }

    fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| (row.name.clone(), row.json(self.columns)));
        Value::Object(rows.collect())
    }
}

impl Column {
    fn show(&self, figure: f64) -> String {
        if figure.is_nan() { "-".to_owned() } else { format!("{figure:.0$}", self.decimals) }
    }
}

impl Row {
    fn json(&self, columns: &[Column]) -> Value {
        let keys = columns.iter().map(|column| column.key.to_owned());
        Value::Object(keys.zip(self.figures.iter().map(|figure| Value::from(*figure))).collect())
    }
}

/// Everything that was measured so far; printed as it comes.
#[derive(Debug, Default)]
pub(crate) struct Report(Map<String, Value>);

impl Report {
    pub(crate) fn table(&mut self, table: &Table) -> Result<(), Trouble> {
        self.0.insert(table.key.to_owned(), table.json());
        say(&table.text())
    }

    pub(crate) fn fact(&mut self, key: &'static str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    pub(crate) fn write(self, file: &Path) -> Result<(), Trouble> {
        let text = format!("{:#}\n", Value::Object(self.0));
        fs::write(file, text).when(format!("write {}", file.display()))
    }
}

/// A line for the person who waits.
pub(crate) fn say(line: &str) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).when("write to standard output")
}

/// What went wrong; nobody is left to be told where standard error is closed.
pub(crate) fn complain(trouble: &Trouble) {
    writeln!(io::stderr().lock(), "airbyte-bench: {trouble}").unwrap_or(());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        const COLUMNS: &[Column] = &[
            Column { key: "median_us", head: "median µs", decimals: 1 },
            Column { key: "ratio", head: "ratio", decimals: 2 },
        ];
        let row = |name: &str, figures: [f64; 2]| Row { name: name.to_owned(), figures: figures.to_vec() };
        Table {
            key: "client",
            title: "One call".to_owned(),
            columns: COLUMNS,
            rows: vec![row("floor", [100.04, 1.0]), row("airbyte-token", [99.0, f64::NAN])],
        }
    }

    #[test]
    fn figures_stand_right_below_their_heads() {
        assert_eq!(
            table().text(),
            "\nOne call\n               median µs  ratio\nfloor              100.0   1.00\nairbyte-token       99.0      -"
        );
    }

    #[test]
    fn a_figure_that_could_not_be_had_is_null() {
        assert_eq!(table().json()["airbyte-token"]["ratio"], Value::Null);
        assert_eq!(table().json()["floor"]["ratio"], 1.0);
    }
}
