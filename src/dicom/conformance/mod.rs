//! The conformance statement: what is offered over DICOM, as a document of sections in the order of PS3.2
//! Annex N. The rows come from the tables that run; each edge adds the sections that it alone knows. Here
//! they are written as HTML, Markdown and JSON.

mod html;
mod markdown;
mod sections;

pub use sections::{character_sets, created, introduction, queries, transformations};

/// A conformance statement.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Statement {
    /// What it is about.
    pub title: String,
    /// Version of the software.
    pub version: String,
    /// Its chapters.
    pub sections: Vec<Section>,
}

/// A section, and those within it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Section {
    /// Its heading, without a number.
    pub title: String,
    /// What stands below the heading, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
    /// The sections within it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Self>,
}

/// A paragraph or a table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Block {
    /// A paragraph of plain text.
    Text(String),
    /// A table; each row has as many cells as there are columns.
    Table {
        /// What the table is of.
        caption: &'static str,
        /// Headings of the columns.
        columns: &'static [&'static str],
        /// Cells, row by row, in plain text.
        rows: Vec<Vec<String>>,
    },
}

impl Section {
    /// A section with nothing in it.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new(), sections: Vec::new() }
    }

    /// This section with one more paragraph.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Text(text.into()));
        self
    }

    /// This section with one more table.
    #[must_use]
    pub fn table<const N: usize>(
        mut self,
        caption: &'static str,
        columns: &'static [&'static str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> Self {
        let rows = rows.into_iter().map(Vec::from).collect();
        self.blocks.push(Block::Table { caption, columns, rows });
        self
    }

    /// This section with one more section within it.
    #[must_use]
    pub fn section(mut self, section: Self) -> Self {
        self.sections.push(section);
        self
    }
}

impl Statement {
    /// As a page.
    pub fn to_html(&self) -> String {
        html::page(self)
    }

    /// As Markdown, which is plain text as well.
    pub fn to_markdown(&self) -> String {
        markdown::page(self)
    }

    /// The cells of all tables with this caption, row by row.
    pub fn rows(&self, caption: &str) -> Vec<&[String]> {
        let mut found = Vec::new();
        let mut waiting: Vec<&Section> = self.sections.iter().collect();
        while let Some(section) = waiting.pop() {
            for block in &section.blocks {
                if let Block::Table { caption: own, rows, .. } = block
                    && *own == caption
                {
                    found.extend(rows.iter().map(Vec::as_slice));
                }
            }
            waiting.extend(&section.sections);
        }
        found
    }
}

/// Visits every section with its number, `1.2.3`, in order.
fn each<'a>(sections: &'a [Section], above: &str, visit: &mut impl FnMut(&str, &'a Section)) {
    for (index, section) in sections.iter().enumerate() {
        let number = format!("{above}{}", index + 1);
        visit(&number, section);
        each(&section.sections, &format!("{number}."), visit);
    }
}

/// How deep a number lies: 1 for `3`, 2 for `3.1`.
fn depth(number: &str) -> usize {
    number.split('.').count()
}

#[cfg(test)]
mod tests;
