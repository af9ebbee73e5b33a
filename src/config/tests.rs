use proptest::prelude::*;

use super::*;
use crate::report::{ReportStatus, Twin};

/// Loads `file` with variables and overrides.
fn load(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Result<Config, ConfigErrors> {
    Config::load(&Sources {
        file: Some(FileText { name: "causeway.toml".into(), text: file.into() }),
        environment: environment.iter().copied().collect(),
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        terminal: false,
    })
}

fn errors(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> String {
    load(file, environment, flags).expect_err("is wrong").to_string()
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = Config::load(&Sources::default()).expect("valid");
    assert_eq!(config.show(), Config::default().show());
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.public_url.as_str(), "http://127.0.0.1:8080");
    assert_eq!(config.database.url, DatabaseUrl::Sqlite("./causeway-data/causeway.db".into()));
    assert_eq!(config.blob.url, BlobUrl::Directory("./causeway-data/blobs".into()));
    assert_eq!(config.dimse.ae_title.as_str(), "CAUSEWAY");
    assert_eq!(config.log.format, LogFormat::Json);
    let on_terminal = Config::load(&Sources { terminal: true, ..Sources::default() }).expect("valid");
    assert_eq!(on_terminal.log.format, LogFormat::Human);
}

#[test]
fn the_stronger_source_wins() {
    let file = "[http]\nlisten = '127.0.0.1:1001'\nworkers = 3\n[log]\nlevel = 'warn'\n";
    let config = load(
        file,
        &[("CAUSEWAY__HTTP__LISTEN", "127.0.0.1:1002"), ("CAUSEWAY__LOG__LEVEL", "debug")],
        &["http.listen=127.0.0.1:1003", "http.listen=127.0.0.1:1004"],
    )
    .expect("valid");
    assert_eq!(config.http.listen.port(), 1004);
    assert_eq!(config.log.level.as_str(), "debug");
    assert_eq!(config.http.workers, Some(3));
    assert_eq!(config.http.public_url.as_str(), "http://127.0.0.1:1004", "it follows the listener");
    assert_eq!(*config.origin("http.listen"), Origin::Flag);
    assert_eq!(config.origin("log.level").to_string(), "environment CAUSEWAY__LOG__LEVEL");
    assert_eq!(config.origin("http.workers").to_string(), "causeway.toml:3");
    assert_eq!(*config.origin("jobs.lease"), Origin::Default);
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let file = "\
colour = 1
[http]
listen = '127.0.0.1'
lisen = '127.0.0.1:80'
workers = 0
max_body_bytes = true
[htpt]
x = 1
[jobs]
lease = 30
[database]
password = 'in clear'
[[rule]]
on = ['finnal']
peer = ['x']
";
    let found = errors(
        file,
        &[("CAUSEWAY__HTTP__LISTENN", "x"), ("CAUSEWAY_HTTP_LISTEN", "x"), ("CAUSEWAY__LOG__LEVEL", "loud")],
        &["http.request_timeout=2h", "nonsense", "htp.listen=1", "database.password=x"],
    );
    let expected = "\
causeway.toml:1: unknown key colour
causeway.toml:3: http.listen must be an ip address and a port, as \"127.0.0.1:8080\"
causeway.toml:4: unknown key http.lisen, did you mean http.listen?
causeway.toml:5: http.workers must be from 1 to 1024
causeway.toml:6: http.max_body_bytes must be a number of bytes, with a unit if need be, as \"16MiB\"
causeway.toml:7: unknown key htpt, did you mean http?
causeway.toml:10: jobs.lease must be a duration with its unit (ms, s, m, h or d), as \"30s\"
causeway.toml:12: database.password is a secret: give it in the environment, or name a file with the key that ends in _file
causeway.toml:14: rule.on must name states out of draft, preliminary, final, amended, corrected, appended, cancelled, entered-in-error
causeway.toml:15: unknown key rule.peer, did you mean peers?
causeway.toml:13: rule.name is required
causeway.toml:13: rule.peers is required
causeway.toml:13: rule.formats is required
environment CAUSEWAY_HTTP_LISTEN: unknown key CAUSEWAY_HTTP_LISTEN, did you mean CAUSEWAY__HTTP__LISTEN?
environment CAUSEWAY__HTTP__LISTENN: unknown key CAUSEWAY__HTTP__LISTENN, did you mean CAUSEWAY__HTTP__LISTEN?
environment CAUSEWAY__LOG__LEVEL: log.level must be off, error, warn, info, debug or trace, for parts as module::path=level
command line: http.request_timeout must be from 1s to 1h
command line: an override must be key=value
command line: unknown key htp.listen, did you mean http.listen?
command line: database.password is a secret: give it in the environment, or name a file with the key that ends in _file";
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

#[test]
fn a_file_that_is_not_toml_is_wrong_in_every_place_but_only_there() {
    let found = errors("[http\nlisten = 'x'\n[log]\nlevel = \n", &[], &["log.format=loud"]);
    let lines: Vec<&str> = found.lines().collect();
    assert!(lines[0].starts_with("causeway.toml:1: "), "{found}");
    assert!(lines[1].starts_with("causeway.toml:4: "), "{found}");
    assert_eq!(lines[2], "command line: log.format must be human or json");
    assert_eq!(lines.len(), 3);
}

#[test]
fn what_is_a_section_or_a_list_is_written_as_one() {
    let found = errors("http = 1\npeer = 'x'\nrule = ['y']\n", &[], &[]);
    assert_eq!(
        found,
        "causeway.toml:1: http is a section and must be written as [http]\n\
         causeway.toml:2: peer must be written as [[peer]]\n\
         causeway.toml:3: rule must be written as [[rule]]"
    );
}

#[test]
fn the_data_directory_stands_for_itself_in_paths() {
    let config = load("data_dir = '/srv/gw'\n", &[], &["blob.url=file:{data_dir}/objects"]).expect("valid");
    assert_eq!(config.database.url.to_string(), "sqlite:/srv/gw/causeway.db");
    assert_eq!(config.blob.url.to_string(), "file:/srv/gw/objects");
    assert_eq!(errors("data_dir = '{data_dir}/x'", &[], &[]), "data_dir cannot stand for itself");
}

#[test]
fn variables_of_older_systems_are_understood() {
    let config = load(
        "[http]\npublic_url = 'http://file.example.org'\n",
        &[
            ("EXPORT_DIR", "/srv/exports"),
            ("BASE_URL", "https://gw.example.org/"),
            ("FHIR_BASE_URL", "https://gw.example.org/fhir"),
        ],
        &[],
    )
    .expect("valid");
    assert_eq!(config.blob.url, BlobUrl::Directory("/srv/exports".into()));
    assert_eq!(config.http.public_url.as_str(), "https://gw.example.org");
    assert_eq!(config.origin("http.public_url").to_string(), "environment BASE_URL");

    let proper =
        [("CAUSEWAY__HTTP__PUBLIC_URL", "https://proper.example.org"), ("BASE_URL", "https://old.example.org")];
    assert_eq!(load("", &proper, &[]).expect("valid").http.public_url.as_str(), "https://proper.example.org");
    let fhir = [("FHIR_BASE_URL", "https://gw.example.org/t/fhir/r4")];
    assert_eq!(load("", &fhir, &[]).expect("valid").http.public_url.as_str(), "https://gw.example.org/t");
    assert_eq!(
        errors("", &[("BASE_URL", "https://a"), ("FHIR_BASE_URL", "https://b/fhir")], &[]),
        "http.public_url is set by BASE_URL and by FHIR_BASE_URL to different values"
    );
    assert_eq!(
        errors("", &[("FHIR_BASE_URL", "https://gw.example.org/r4")], &[]),
        "environment FHIR_BASE_URL: http.public_url must end in /fhir/r4 or /fhir, where this gateway serves FHIR"
    );
}

#[test]
fn settings_that_do_not_fit_each_other_are_refused() {
    for (flags, message) in [
        (&["jobs.heartbeat=40s"][..], "jobs.heartbeat is more than half of jobs.lease"),
        (&["jobs.backoff=1h", "jobs.backoff_limit=1m"], "jobs.backoff is longer than jobs.backoff_limit"),
        (
            &["database.url=postgres://u@db/x"],
            "keys must name the place of the master key, because database.url is PostgreSQL and all its nodes share it",
        ),
        (&["keys.master_key_file=/k", "keys.master_key_env=K"], "keys names more than one place of the master key"),
        (&["database.password_file=/p"], "database.password is for PostgreSQL, and database.url is a file"),
        (
            &["database.url=postgres://u:p@db/x", "database.password_file=/p", "keys.master_key_env=K"],
            "database.password is given more than once: in the url, the file or the environment",
        ),
        (&["blob.url=s3://b", "blob.s3.access_key_id=A"], "blob.s3.access_key_id has no secret_access_key beside it"),
        (
            &["blob.url=s3://b", "blob.s3.endpoint=http://127.0.0.1:9000"],
            "blob.s3.endpoint is without TLS, and blob.s3.allow_http is not set",
        ),
        (
            &["archive.peer=ehr", "peer.ehr.kind=fhir"],
            "archive.peer is a peer of another kind than orthanc or dicomweb",
        ),
    ] {
        assert_eq!(errors("", &[], flags), message);
    }
}

#[test]
fn an_empty_variable_unsets_what_has_no_value_by_default() {
    let config = load("[http]\nworkers = 3\n", &[("CAUSEWAY__HTTP__WORKERS", "")], &[]).expect("valid");
    assert_eq!(config.http.workers, None);
    assert_eq!(
        errors("", &[("CAUSEWAY__HTTP__LISTEN", "")], &[]),
        "environment CAUSEWAY__HTTP__LISTEN: http.listen must be an ip address and a port, as \"127.0.0.1:8080\""
    );
}

#[test]
fn peers_come_from_the_file_and_are_completed_from_elsewhere() {
    let file = "\
[[peer]]
name = 'main-pacs'
kind = 'dimse'
port = 11112
[[peer]]
name = 'ehr'
kind = 'fhir'
url = 'https://gateway:inline@ehr.example.org/fhir'
oauth = { client_id = 'gw', client_secret = 'hidden' }
";
    let config = load(
        file,
        &[
            ("CAUSEWAY__PEER__MAIN_PACS__PORT", "104"),
            ("CAUSEWAY__PEER__MAIN_PACS__PASSWORD", "0123"),
            ("CAUSEWAY__PEER__NEW__KIND", "orthanc"),
        ],
        &["peer.ehr.timeout=5s"],
    )
    .expect("valid");
    let of = |name: &str| config.peers.iter().find(|peer| peer.name.as_str() == name).expect("is there");
    assert_eq!(of("main-pacs").settings.get("port"), Some(&104.into()));
    assert_eq!(of("main-pacs").settings.get("password"), Some(&"0123".into()));
    assert_eq!(of("new").kind(), Some("orthanc"));
    assert_eq!(of("ehr").settings.get("timeout"), Some(&"5s".into()));
    let shown = format!("{} {config:?}", config.show());
    for secret in ["inline", "hidden", "0123"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert_eq!(
        errors("[[peer]]\nname = 'A B'\n[[peer]]\nkind = 'x'\n[[peer]]\nname = 'a'\n[[peer]]\nname = 'a'\n", &[], &[]),
        "causeway.toml:1: peer.name may hold a-z, 0-9 and '-' only and begins with a letter\n\
         causeway.toml:3: peer.name is required and must be a text\n\
         causeway.toml:7: peer.name is the name of an earlier peer"
    );
    assert_eq!(
        errors("", &[("CAUSEWAY__PEER__X", "1")], &["peer.x.password=1", "peer.x=1"]),
        "environment CAUSEWAY__PEER__X: CAUSEWAY__PEER__X must be CAUSEWAY__PEER__NAME__KEY\n\
         command line: peer.x.password is a secret: give it in the environment or in a file\n\
         command line: peer.x must be peer.NAME.KEY"
    );
}

#[test]
fn rules_say_what_goes_where() {
    let file = "\
[[rule]]
name = 'final-to-pacs'
on = ['final', 'amended']
peers = ['main-pacs']
formats = ['dicom-sr', 'dicom-pdf']
";
    let config = load(file, &[], &[]).expect("valid");
    let rule = &config.rules[0];
    assert_eq!(rule.tenant.as_str(), "default");
    assert_eq!(rule.on, [ReportStatus::Final, ReportStatus::Amended]);
    assert_eq!(rule.formats, [Twin::DicomSr, Twin::EncapsulatedPdf]);
    assert_eq!(
        errors(&format!("{file}{file}").replace("'amended'", "'final'"), &[], &[]),
        "causeway.toml:3: rule.on names something twice\ncauseway.toml:8: rule.on names something twice"
    );
    assert_eq!(errors(&format!("{file}{file}"), &[], &[]), "causeway.toml:6: rule.name is the name of an earlier rule");
    assert_eq!(
        errors(&file.replace("['main-pacs']", "[]"), &[], &[]),
        "causeway.toml:4: rule.peers must name at least one"
    );
}

#[test]
fn what_is_shown_loads_again_and_holds_no_secret() {
    let file = "\
data_dir = '/srv/gw'
[http]
workers = 2
[database]
url = 'postgres://u:inurl@db:5433/x'
[blob]
url = 's3://bucket/prefix'
[blob.s3]
access_key_id = 'AKIA'
[keys]
master_key_command = ['vault', 'read \"key\"']
[letterhead]
lines = ['Ünter den Linden 1', \"O'Hara\"]
[limits.user]
requests_per_second = 'off'
[[peer]]
name = 'ehr'
kind = 'fhir'
headers = { 'X Y' = \"a'b\", n = 1.5 }
[[rule]]
name = 'r'
on = ['final']
peers = ['ehr']
formats = ['fhir']
";
    let config =
        load(file, &[("CAUSEWAY__BLOB__S3__SECRET_ACCESS_KEY", "inenv")], &["exports.retention=48h"]).expect("valid");
    let shown = config.show();
    assert!(!shown.contains("inurl") && !shown.contains("inenv"), "{shown}");
    assert!(shown.contains("\nworkers = 2 # causeway.toml:3\n"), "{shown}");
    assert!(shown.contains("\nretention = \"2d\" # command line\n"), "{shown}");
    assert!(
        shown.contains("\n# secret_access_key = \"***\" # environment CAUSEWAY__BLOB__S3__SECRET_ACCESS_KEY\n"),
        "{shown}"
    );
    let again = load(&shown, &[("CAUSEWAY__BLOB__S3__SECRET_ACCESS_KEY", "inenv")], &[]).expect("loads again");
    let values = |text: &str| {
        text.lines().map(|line| line.split(" # ").next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values(&again.show()), values(&shown));
}

#[test]
fn every_setting_is_described_and_its_bounds_hold_its_default() {
    let mut config = Config::plain();
    for entry in config.entries() {
        assert!(!entry.doc.trim().is_empty() && !entry.about.trim().is_empty(), "{}", entry.key);
        assert!(entry.doc.trim_end().ends_with(['.', ')']), "{}", entry.key);
        if let (Some(bounds), Some(default)) = (entry.within, entry.slot.write()) {
            let text = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
            entry
                .slot
                .put(&setting::Given::Environment(&text), Some(bounds))
                .unwrap_or_else(|_| panic!("{}", entry.key));
            for bound in [bounds.0, bounds.1] {
                let kept = entry.slot.put(&setting::Given::Environment(bound), Some(bounds));
                assert!(kept.is_ok(), "{} is not {bound}", entry.key);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(file in ".{0,200}", name in "[A-Z_]{0,20}", value in ".{0,40}", flag in ".{0,60}") {
        let _any = load(&file, &[(&format!("CAUSEWAY_{name}"), &value)], &[&flag]);
    }

    /// Texts that come closer to being right than random ones.
    #[test]
    fn no_nearly_right_text_makes_it_panic(
        lines in prop::collection::vec(
            (
                prop::sample::select(vec!["[http]", "[[peer]]", "[[rule]]", "[blob.s3]", "listen", "name", "on", "url", "workers", "data_dir", "peer", "limits"]),
                prop::sample::select(vec!["", " = ", "."]),
                prop::sample::select(vec!["", "1", "-1", "1e400", "nan", "'x'", "\"é\\u0000\"", "['a', 1]", "{ a = 1 }", "true", "1979-05-27", "0xffffffffffffffffff"]),
            ),
            0..8,
        ),
    ) {
        let file = lines.iter().map(|(key, mid, value)| format!("{key}{mid}{value}")).collect::<Vec<_>>().join("\n");
        let _any = load(&file, &[], &[]);
        for (key, _, value) in lines {
            let _any = load("", &[], &[&format!("http.{key}={value}"), &format!("peer.x.{key}={value}")]);
        }
    }

    #[test]
    fn a_setting_reads_what_it_shows(seconds in 1u64..3600, megabytes in 1u64..1024, port in 1u16.., words in prop::collection::vec("[^\\p{C}]{0,12}", 0..4)) {
        let list = toml::Value::from(words.clone()).to_string();
        let config = load("", &[], &[
            &format!("http.request_timeout={seconds}s"),
            &format!("http.max_body_bytes={megabytes}MiB"),
            &format!("http.listen=[::1]:{port}"),
            &format!("letterhead.lines={list}"),
        ]).expect("valid");
        prop_assert_eq!(&config.letterhead.lines, &words);
        let again = load(&config.show(), &[], &[]).expect("loads again");
        prop_assert_eq!(again.http.request_timeout, std::time::Duration::from_secs(seconds));
        prop_assert_eq!(again.http.max_body_bytes, ByteSize::mebibytes(megabytes));
        prop_assert_eq!(again.http.listen.port(), port);
        prop_assert_eq!(again.letterhead.lines, words);
    }
}
