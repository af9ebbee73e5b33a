//! The documentation of the settings is what the code says.

use causeway::config::{Config, FileText, Sources, to_markdown};

/// `UPDATE_DOCS=1 cargo test --test it configuration` writes the page anew.
#[test]
fn docs_configuration_md_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
    let page = to_markdown(&Config::reference(), &[]);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, page).expect("docs can be written");
        return;
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/configuration.md is stale: run UPDATE_DOCS=1 cargo test --test it configuration");
}

#[test]
fn the_example_in_the_docs_loads() {
    let page = to_markdown(&Config::reference(), &[]);
    let (_, rest) = page.split_once("```toml\n").expect("the page has an example");
    let (example, _) = rest.split_once("```").expect("the example ends");
    let file = Some(FileText { name: "example".into(), text: example.into() });
    let config = Config::load(&Sources { file, ..Sources::default() }).expect("valid");
    assert_eq!((config.peers.len(), config.rules.len()), (1, 1));
}

#[test]
fn every_setting_stands_in_the_docs_once() {
    let reference = Config::reference();
    let mut keys: Vec<&str> = reference.iter().map(|setting| setting.key.as_str()).collect();
    keys.sort_unstable();
    let before = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), before);
    let table = ["data_dir", "http.listen", "http.public_url", "dimse.ae_title"];
    let table = table.into_iter().chain(["database.url", "blob.url", "log.format", "log.level"]);
    for key in table {
        assert!(keys.binary_search(&key).is_ok(), "{key}");
    }
}
