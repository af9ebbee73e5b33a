//! `config check` and `config show`, and the arguments themselves.

use std::process::Command;

use super::{alone, document};
use crate::support::{Backend, PROGRAM, Program, printed};

#[tokio::test]
async fn a_good_configuration_is_valid_and_says_where_it_comes_from() {
    let program = Program::new(&Backend::Sqlite).await;
    assert_eq!(program.ok(&["config", "check"]), "the configuration is valid\n");
    assert_eq!(document(&program.ok(&["config", "check", "--json"]))["valid"], true);
    let shown = program.ok(&["config", "show", "--set", "jobs.workers=3"]);
    assert!(shown.contains("public_url = \"http://gateway.test\" # "), "{shown}");
    assert!(shown.contains("workers = 3 # "), "{shown}");
    // What is shown is a configuration again, and the same one.
    std::fs::write(program.path("again.toml"), &shown).expect("is written");
    let again = program.ok(&["config", "show", "--config", "again.toml"]);
    let plain = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(" # ").next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(plain(&again), plain(&shown));
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_at_once() {
    let program = Program::new(&Backend::Sqlite).await;
    let text = "[http]\nlisten = \"nowhere\"\nmax_body_bites = 5\n\n[jobs]\nworkers = 0\n";
    std::fs::write(program.path("bad.toml"), text).expect("is written");
    for command in [&["config", "check"][..], &["serve"], &["token", "mint", "--user", "x", "--role", "admin"]] {
        let said = program.fails(&[command, &["--config", "bad.toml"]].concat());
        for part in ["http.listen", "max_body_bites", "max_body_bytes", "jobs.workers", "bad.toml:2", "bad.toml:3"] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    }
    let said = program.fails(&["config", "check", "--config", "absent.toml"]);
    assert!(said.contains("absent.toml"), "{said}");
}

#[test]
fn secrets_are_never_shown() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let text = r#"
[blob]
url = "s3://bucket/prefix"

[blob.s3]
access_key_id = "AKID"

[[peer]]
name = "fhir"
kind = "fhir"
url = "https://fhir.example.org"
auth = { type = "basic", username = "gateway", password = "hunter2-peer" }
"#;
    std::fs::write(folder.path().join("causeway.toml"), text).expect("is written");
    for arguments in [&["config", "show"][..], &["config", "show", "--json"], &["config", "check"]] {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env_clear().current_dir(folder.path());
        command.env("CAUSEWAY__DATABASE__URL", "postgres://gateway@db.example.org/causeway");
        command.env("CAUSEWAY__DATABASE__PASSWORD", "hunter2-database");
        command.env("CAUSEWAY__BLOB__S3__SECRET_ACCESS_KEY", "hunter2-bucket");
        command.env("CAUSEWAY__KEYS__MASTER_KEY_ENV", "THE_KEY").env("THE_KEY", "hunter2-key");
        let said = printed(arguments, command.output().expect("starts"));
        assert!(!said.contains("hunter2"), "{arguments:?}: {said}");
        assert_eq!(said.matches("***").count(), if arguments[1] == "show" { 3 } else { 0 }, "{said}");
    }
}

#[test]
fn wrong_arguments_end_with_2() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for arguments in [
        &["fly"][..],
        &["config", "chek"],
        &["serve", "--deamon"],
        &["verify"],
        &["token", "mint", "--user", "x"],
        &["peer", "add", "x"],
        &["audit", "verify", "--tenant", "no tenant"],
    ] {
        let output = alone(&folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{arguments:?}");
    }
    let version = String::from_utf8(alone(&folder, &["--version"]).stdout).expect("UTF-8");
    assert_eq!(version.trim(), format!("causeway {}", env!("CARGO_PKG_VERSION")));
    assert_eq!(std::fs::read_dir(folder.path()).expect("is there").count(), 0, "nothing was made");
}
