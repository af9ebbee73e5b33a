//! The command line, through the program itself: what it prints, how it ends, and what of it a server sees.

mod database;
mod fhir;
mod house;
mod import;
mod offline;
mod settings;

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::PROGRAM;

/// Runs the program outside of any installation, in a folder that has nothing.
fn alone(folder: &tempfile::TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().current_dir(folder.path()).stdin(Stdio::null());
    command.output().expect("starts")
}

/// What was printed, as the one JSON document that `--json` promises.
#[track_caller]
fn document(printed: &str) -> Value {
    serde_json::from_str(printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// The texts of an array.
#[track_caller]
fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().unwrap_or_else(|| panic!("no list: {value}"));
    items.iter().map(|item| item.as_str().expect("a text").to_owned()).collect()
}
