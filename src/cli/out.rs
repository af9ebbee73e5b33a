//! What a command prints: lines for people, or one JSON document for programs.

use crate::fhir::Json;

/// The way to the terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out {
    json: bool,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command is for")]
impl Out {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// The result: `text` for people, `json` for programs.
    pub(crate) fn result(self, text: &str, json: impl FnOnce() -> Json) {
        if self.json {
            print!("{}", json().to_pretty());
        } else {
            println!("{}", text.trim_end_matches('\n'));
        }
    }

    /// Bytes as they are.
    pub(crate) fn bytes(bytes: &[u8]) -> std::io::Result<()> {
        use std::io::Write;
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    /// A remark for people, beside the result.
    pub(crate) fn remark(text: &str) {
        eprintln!("{text}");
    }

    /// Why the command failed, with all causes.
    pub(crate) fn failure(error: &anyhow::Error) {
        eprintln!("causeway: {error:#}");
    }
}
