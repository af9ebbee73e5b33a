//! The house keeps its levels: a module uses lower levels only. This file holds the table, reads the
//! paths that the sources name, and compares.

mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use source::Source;

/// Top-level modules from the ground up. A module uses what stands on a lower line, and itself.
const LEVELS: &[(&str, &[&str])] = &[
    ("L0 leaf types", &["base"]),
    ("L1 values of the standards", &["fhir", "dicom", "access", "audit"]),
    ("L2 rules", &["report", "oauth"]),
    // Settings are values as well; whoever stands higher takes them as arguments.
    ("settings", &["config"]),
    ("logs and metrics", &["telemetry"]),
    ("L3 the outside", &["store", "blob", "remote"]),
    ("L4 the queue", &["jobs"]),
    ("L5 use cases", &["ops", "work"]),
    ("L6 edges", &["http", "dimse"]),
    ("composition root", &["app"]),
    ("command line", &["cli"]),
    ("binary", &["main"]),
];

/// Uses of a module on the same line, from the left one to the right one.
const SIDEWAYS: &[(&str, &str)] = &[("access", "fhir"), ("audit", "access"), ("audit", "fhir"), ("work", "ops")];

/// The modules that only compute, and what they therefore never name.
const PURE: &[&str] = &["base", "fhir", "dicom", "access", "audit", "report", "oauth"];
const IMPURE: &[&str] = &[
    "actix_web",
    "diesel",
    "diesel_async",
    "libsqlite3_sys",
    "tokio_postgres",
    "tokio",
    "reqwest",
    "object_store",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::time::SystemTime",
    "std::time::Instant",
];

/// Crates that one module alone knows.
const PRIVATE: &[(&str, &[&str])] = &[
    ("actix_web", &["http", "app", "cli"]),
    ("diesel", &["store"]),
    ("diesel_async", &["store"]),
    ("tokio_postgres", &["store"]),
    ("object_store", &["blob"]),
    ("reqwest", &["remote", "cli"]),
    ("clap", &["cli", "main"]),
];

const LONGEST_FILE: usize = 600;

#[test]
fn a_module_uses_lower_levels_only() {
    let mut wrong = BTreeSet::new();
    for source in sources() {
        let Some(module) = source.module.first() else { continue };
        let from = level(module).unwrap_or_else(|| panic!("{module} has no place in the table"));
        for used in source.uses.iter().filter(|used| used.first().is_some_and(|root| root == "crate")) {
            let Some(used) = used.get(1).filter(|used| *used != module) else { continue };
            let Some(to) = level(used) else {
                wrong.insert(format!("{}: crate::{used} has no place in the table", source.name));
                continue;
            };
            if to >= from && !SIDEWAYS.contains(&(module.as_str(), used.as_str())) {
                wrong.insert(format!("{}: {module} uses {used}", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", lines(&wrong));
}

#[test]
fn what_only_computes_knows_no_outside() {
    let mut wrong = BTreeSet::new();
    for source in
        sources().iter().filter(|source| source.module.first().is_some_and(|root| PURE.contains(&root.as_str())))
    {
        for path in source.uses.iter().map(|used| used.join("::")) {
            if IMPURE.iter().any(|outside| path == *outside || path.starts_with(&format!("{outside}::"))) {
                wrong.insert(format!("{}: {path}", source.name));
            }
        }
        if source.is_async {
            wrong.insert(format!("{}: async", source.name));
        }
    }
    assert!(wrong.is_empty(), "{}", lines(&wrong));
}

#[test]
fn each_library_of_the_outside_has_one_door() {
    let mut wrong = BTreeSet::new();
    for source in sources() {
        let Some(module) = source.module.first() else { continue };
        for (library, doors) in PRIVATE {
            let used = source.uses.iter().any(|used| used.first().is_some_and(|root| root == library));
            if used && !doors.contains(&module.as_str()) {
                wrong.insert(format!("{}: {library} belongs to {}", source.name, doors.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", lines(&wrong));
}

#[test]
fn no_file_is_too_long() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = BTreeSet::new();
    for directory in ["src", "tests"] {
        for file in rust_files(&root.join(directory)) {
            let length = std::fs::read_to_string(&file).expect("is text").lines().count();
            if length > LONGEST_FILE {
                wrong.insert(format!("{}: {length} lines, at most {LONGEST_FILE}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", lines(&wrong));
}

#[test]
fn the_page_about_the_architecture_names_every_module() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md"));
    let page = page.expect("docs/architecture.md is there");
    for module in LEVELS.iter().flat_map(|(_, modules)| *modules) {
        assert!(page.contains(&format!("`{module}`")), "{module}");
    }
}

/// The reader of sources has to see what it is there for.
#[test]
fn the_reader_sees_every_form_of_a_path() {
    let uses = |text: &str| {
        let source = Source::read("x.rs", &["ops", "reports"], text);
        source.uses.iter().map(|used| used.join("::")).collect::<Vec<_>>()
    };
    assert_eq!(uses("use crate::base::{Uid, date::Date};"), ["crate::base::Uid", "crate::base::date::Date"]);
    assert_eq!(
        uses("use crate::{base::Uid, store::{self, Db as D}};"),
        ["crate::base::Uid", "crate::store", "crate::store::Db"]
    );
    assert_eq!(uses("fn f() -> crate::store::Db { todo() }"), ["crate::store::Db"]);
    assert_eq!(uses("use super::super::http::*;"), ["crate::http::*"]);
    assert_eq!(uses("use super::studies;"), ["crate::ops::studies"]);
    assert_eq!(uses("use std::{fs, io::{self, Read}};"), ["std::fs", "std::io", "std::io::Read"]);
    assert_eq!(uses("fn f() { std::fs::read(x) }"), ["std::fs::read"]);
    assert_eq!(uses("pub(crate) fn f<'a>(x: &'a str) -> char { '\"' } use crate::base::Uid;"), ["crate::base::Uid"]);
    for hidden in [
        "// use crate::http::x;",
        "/* crate::http /* crate::http */ crate::http */",
        "/// crate::http\nfn f() {}",
        "const X: &str = \"crate::http\";",
        "const X: &str = r#\"a \" crate::http\"#;",
        "const X: &[u8] = b\"\\\" crate::http\";",
        "#[cfg(test)]\nmod tests { use crate::http::x; fn f() { if a { b } } }",
    ] {
        assert_eq!(uses(hidden), Vec::<String>::new(), "{hidden}");
    }
    let after = "#[cfg(test)]\nmod tests { fn f() { \"}\" } }\nuse crate::base::Uid;";
    assert_eq!(uses(after), ["crate::base::Uid"]);
    assert_eq!(uses("#[cfg(test)]\nuse crate::http::x;\nuse crate::base::Uid;"), ["crate::base::Uid"]);
    assert!(Source::read("x.rs", &["base"], "fn f() { async move {} }").is_async);
    assert!(!Source::read("x.rs", &["base"], "// async\nfn f() { \"async\" }").is_async);
}

fn level(module: &str) -> Option<usize> {
    LEVELS.iter().position(|(_, modules)| modules.contains(&module))
}

/// The sources of the crate without their tests.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    for file in rust_files(&root) {
        let inside = file.strip_prefix(&root).expect("is below the root");
        let mut module: Vec<String> =
            inside.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module.iter().any(|part| part == "tests") || module == ["lib"] {
            continue;
        }
        if module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        let module: Vec<&str> = module.iter().map(String::as_str).collect();
        let text = std::fs::read_to_string(&file).expect("is text");
        sources.push(Source::read(&inside.display().to_string(), &module, &text));
    }
    assert!(sources.len() > 10, "the sources are where they are looked for");
    sources
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("is a directory") {
        let path = entry.expect("can be read").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn lines(wrong: &BTreeSet<String>) -> String {
    format!("\n{}", wrong.iter().map(String::as_str).collect::<Vec<_>>().join("\n"))
}
